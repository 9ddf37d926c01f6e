"""The queries and mutations that we send: GraphQL Admin API 2026-07.

Reference: https://shopify.dev/docs/api/admin-graphql/2026-07. Pages are small enough for
Shopify's limit of 1,000 points a call.
"""

_MONEY = "shopMoney { amount currencyCode }"
_BOTH_MONEYS = "shopMoney { amount currencyCode } presentmentMoney { amount currencyCode }"

PAYMENT = f"""
query Payment($id: ID!) {{
  order(id: $id) {{
    cancelledAt
    totalRefundedSet {{ {_MONEY} }}
    transactions(first: 50) {{
      id kind status gateway errorCode
      amountSet {{ {_BOTH_MONEYS} }}
      totalUnsettledSet {{ {_BOTH_MONEYS} }}
      parentTransaction {{ id }}
    }}
  }}
}}
"""

CAPTURE = f"""
mutation Capture($input: OrderCaptureInput!) {{
  orderCapture(input: $input) {{
    transaction {{
      id kind status gateway errorCode
      amountSet {{ {_BOTH_MONEYS} }}
    }}
    userErrors {{ field message }}
  }}
}}
"""

SHIPMENTS = """
query Shipments($id: ID!) {
  order(id: $id) {
    fulfillments(first: 100) { id status trackingInfo(first: 10) { number } }
    fulfillmentOrders(first: 100) { nodes { id status assignedLocation { location { id } } } }
  }
}
"""

FULFILMENT_ORDER_LINES = """
query FulfilmentOrderLines($id: ID!, $after: String) {
  fulfillmentOrder(id: $id) {
    lineItems(first: 100, after: $after) {
      nodes { id remainingQuantity lineItem { id } }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""

FULFILLED_LINES = """
query FulfilledLines($id: ID!, $after: String) {
  fulfillment(id: $id) {
    fulfillmentLineItems(first: 100, after: $after) {
      nodes { quantity lineItem { id } }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""

FULFIL = """
mutation Fulfil($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) {
    fulfillment { id status }
    userErrors { field message }
  }
}
"""

CANCEL = """
mutation Cancel($orderId: ID!, $reason: OrderCancelReason!, $staffNote: String) {
  orderCancel(
    orderId: $orderId
    reason: $reason
    staffNote: $staffNote
    restock: false
    notifyCustomer: true
    refundMethod: { originalPaymentMethodsRefund: true }
  ) {
    job { id done }
    orderCancelUserErrors { field message code }
  }
}
"""

CANCELLATION = f"""
query Cancellation($id: ID!, $job: ID!) {{
  order(id: $id) {{ cancelledAt totalRefundedSet {{ {_MONEY} }} }}
  job(id: $job) {{ done }}
}}
"""

REFUNDS = f"""
query Refunds($id: ID!) {{
  order(id: $id) {{
    refunds(first: 50) {{
      id note
      totalRefundedSet {{ {_MONEY} }}
      refundLineItems(first: 5) {{
        nodes {{ quantity restockType lineItem {{ id }} }}
        pageInfo {{ hasNextPage }}
      }}
    }}
  }}
}}
"""

REFUND_LINES = """
query RefundLines($id: ID!, $after: String) {
  refund(id: $id) {
    refundLineItems(first: 100, after: $after) {
      nodes { quantity restockType lineItem { id } }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""

REFUND = f"""
mutation Refund($input: RefundInput!, $key: String!) {{
  refundCreate(input: $input) @idempotent(key: $key) {{
    refund {{ id note totalRefundedSet {{ {_MONEY} }} }}
    userErrors {{ field message }}
  }}
}}
"""

ORDER = f"""
query Order($id: ID!, $after: String) {{
  order(id: $id) {{
    legacyResourceId name email phone note
    createdAt processedAt updatedAt cancelledAt cancelReason
    currencyCode taxesIncluded dutiesIncluded displayFinancialStatus test
    totalPriceSet {{ {_BOTH_MONEYS} }}
    currentTotalPriceSet {{ {_BOTH_MONEYS} }}
    totalTaxSet {{ {_MONEY} }}
    currentTotalTaxSet {{ {_MONEY} }}
    totalDiscountsSet {{ {_MONEY} }}
    currentTotalDiscountsSet {{ {_MONEY} }}
    currentShippingPriceSet {{ {_MONEY} }}
    totalTipReceivedSet {{ {_MONEY} }}
    originalTotalDutiesSet {{ {_MONEY} }}
    currentTotalDutiesSet {{ {_MONEY} }}
    originalTotalAdditionalFeesSet {{ {_MONEY} }}
    currentTotalAdditionalFeesSet {{ {_MONEY} }}
    totalCashRoundingAdjustment {{ paymentSet {{ {_MONEY} }} }}
    shippingAddress {{
      name firstName lastName company address1 address2 city
      province provinceCode zip country countryCodeV2 phone
    }}
    shippingLines(first: 10) {{
      nodes {{
        originalPriceSet {{ {_MONEY} }}
        discountedPriceSet {{ {_MONEY} }}
        discountAllocations {{ allocatedAmountSet {{ {_MONEY} }} }}
      }}
    }}
    lineItems(first: 50, after: $after) {{
      nodes {{
        id sku name quantity currentQuantity requiresShipping
        originalUnitPriceSet {{ {_MONEY} }}
        discountAllocations {{ allocatedAmountSet {{ {_MONEY} }} }}
        taxLines {{ priceSet {{ {_MONEY} }} }}
      }}
      pageInfo {{ hasNextPage endCursor }}
    }}
  }}
}}
"""

SENT = """
query Sent($id: ID!) {
  order(id: $id) { displayFulfillmentStatus }
}
"""
