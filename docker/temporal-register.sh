#!/bin/sh
# Makes the namespace and registers our search attributes; running it again changes nothing.
set -eu

until temporal operator cluster health; do sleep 1; done
temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" ||
    temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 72h

known=$(temporal operator search-attribute list --namespace "$TEMPORAL_NAMESPACE")
register() {
    echo "$known" | grep -qw "$1" ||
        temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" --name "$1" --type "$2"
}
# The same list as config/temporal.py: SEARCH_ATTRIBUTES.
register OrderStatus Keyword
register Channel Keyword
register WaitingOn Keyword
register DestinationCountry Keyword
register HoldReasons KeywordList
