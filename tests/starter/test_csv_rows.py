"""Which row a problem of a CSV file is told of."""

from starter.csv_rows import CsvRow, read_csv

COLUMNS = ("sku", "title")


def rows_of(csv: str) -> list[CsvRow]:
    return read_csv(csv.encode(), ("sku",), COLUMNS)


def numbered(csv: str) -> dict[int, str]:
    """The SKU of each row that can be read, and what is wrong with the others."""
    return {
        row.number: row.cells["sku"] if row.readable else row.problems[0].message
        for row in rows_of(csv)
    }


def test_rows_after_a_quote_that_is_not_closed_keep_their_numbers() -> None:
    assert numbered('sku,title\nA,"x\nB,y\nC,"z"\nD,w\n') == {
        2: "is no CSV: ',' expected after '\"'; it goes from line 2 to line 4 of the file",
        5: "D",
    }


def test_a_quote_that_nothing_closes_swallows_all_that_is_left() -> None:
    assert numbered('sku,title\nA,x\nB,"y\nC,z\nD,w\n') == {
        2: "A",
        3: "is no CSV: unexpected end of data; it goes from line 3 to line 5 of the file",
    }


def test_what_is_broken_on_one_line_is_told_of_without_its_lines() -> None:
    assert numbered('sku,title\n"A"x,y\nB,y\n') == {
        2: "is no CSV: ',' expected after '\"'",
        3: "B",
    }


def test_the_line_that_says_the_separator_is_a_line_of_the_file_and_no_row() -> None:
    assert numbered('sep=;\r\nsku;title\r\nA;"x\r\nB;"y"\r\nC;z\r\n') == {
        2: "is no CSV: ';' expected after '\"'; it goes from line 3 to line 4 of the file",
        4: "C",
    }


def test_a_cell_of_several_lines_and_an_empty_line_are_a_row_each_as_in_a_spreadsheet() -> None:
    assert numbered('sku,title\nA,"one\ntwo"\n\nB,y\n') == {2: "A", 4: "B"}


def test_separators_that_trail_the_header_name_no_columns() -> None:
    assert [row.cells for row in rows_of("sku,title,,\nA,x,,\n")] == [{"sku": "A", "title": "x"}]
    (row,) = rows_of("sku,title,\nA,x,y\n")
    assert [problem.reason for problem in row.problems] == ["too_long"]
