#!/bin/sh
# Makes Temporal's two databases or brings them up to date; running it again changes nothing.
set -eu

prepare() {
    database=$1 versions=$2
    tool="temporal-sql-tool --plugin postgres12 --ep $POSTGRES_SEEDS -p $DB_PORT -u $POSTGRES_USER --db $database"
    $tool create
    # On a database that has a schema, setting up again could send its version back to 0.
    $tool update-schema -d "$versions" && return
    $tool setup-schema -v 0.0
    $tool update-schema -d "$versions"
}

prepare temporal /etc/temporal/schema/postgresql/v12/temporal/versioned
prepare temporal_visibility /etc/temporal/schema/postgresql/v12/visibility/versioned
