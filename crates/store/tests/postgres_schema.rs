//! The tables in PostgreSQL can be dealt out by shard: the migrations are read and held to the rules.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::fs;
use std::path::Path;

use sqlparser::ast::{ColumnOption, CreateTable, DataType, Expr, IndexColumn, Statement, TableConstraint};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

/// Each script with its name.
fn migrations() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/postgres/migrations");
    let mut scripts: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|file| {
            let path = file.unwrap().path();
            (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(path).unwrap())
        })
        .collect();
    scripts.sort();
    scripts
}

/// What is against the rules in a script.
fn faults(script: &str) -> Vec<String> {
    let statements = Parser::parse_sql(&PostgreSqlDialect {}, &without_storage(script)).unwrap();
    statements.iter().flat_map(faults_of).collect()
}

/// The script without what says how a column's bytes are stored, in words that the parser does not know.
fn without_storage(script: &str) -> String {
    let says_storage = |line: &&str| {
        let words: Vec<_> = line.split_whitespace().collect();
        matches!(words[..], ["ALTER", "TABLE", _, "ALTER", "COLUMN", _, "SET", "STORAGE", "EXTERNAL;"])
    };
    script.lines().filter(|line| !says_storage(line)).collect::<Vec<_>>().join("\n")
}

fn faults_of(statement: &Statement) -> Vec<String> {
    match statement {
        Statement::CreateTable(table) => faults_of_table(table),
        Statement::CreateIndex(index) if index.unique => {
            fault_of_key("unique index", &index.columns).into_iter().collect()
        }
        Statement::CreateIndex(_) | Statement::CreateView(_) => Vec::new(),
        other => vec![format!("is no table, index or view: {other}")],
    }
}

fn faults_of_table(table: &CreateTable) -> Vec<String> {
    let name = &table.name;
    let mut faults = Vec::new();
    for column in &table.columns {
        if matches!(&column.data_type, DataType::Custom(kind, _) if kind.to_string().to_lowercase().contains("serial"))
        {
            faults.push(format!("{name}.{} is a sequence", column.name));
        }
        for option in &column.options {
            if !matches!(option.option, ColumnOption::NotNull | ColumnOption::Check(_)) {
                faults.push(format!("{name}.{} has more than NOT NULL: {}", column.name, option.option));
            }
        }
    }
    if table.columns.first().is_none_or(|column| column.name.value != "shard") {
        faults.push(format!("{name} does not begin with the shard"));
    }
    let mut has_primary = false;
    for constraint in &table.constraints {
        let deferred = constraint.to_string().to_uppercase().contains("DEFERR");
        let fault = match constraint {
            _ if deferred => Some("is deferrable".to_owned()),
            TableConstraint::PrimaryKey(key) => {
                has_primary = true;
                fault_of_key("primary key", &key.columns)
            }
            TableConstraint::Unique(key) => fault_of_key("unique key", &key.columns),
            TableConstraint::ForeignKey(key) => {
                let is_shard = |columns: &[sqlparser::ast::Ident]| {
                    columns.first().is_some_and(|name| name.value == "shard")
                };
                (!is_shard(&key.columns) || !is_shard(&key.referred_columns))
                    .then(|| "has a foreign key that does not begin with the shard".to_owned())
            }
            TableConstraint::Check(_) => None,
            other => Some(format!("has a constraint that is not known to be shardable: {other}")),
        };
        faults.extend(fault.map(|fault| format!("{name}: {fault}")));
    }
    if !has_primary {
        faults.push(format!("{name} has no primary key"));
    }
    faults
}

fn fault_of_key(kind: &str, columns: &[IndexColumn]) -> Option<String> {
    let first = columns.first().map(|column| &column.column.expr);
    let is_shard = matches!(first, Some(Expr::Identifier(name)) if name.value == "shard");
    (!is_shard).then(|| format!("the {kind} does not begin with the shard"))
}

#[test]
fn every_migration_keeps_the_rules() {
    let migrations = migrations();
    assert!(migrations.len() >= 2);
    for (name, script) in migrations {
        assert_eq!(faults(&script), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn migrations_are_numbered_without_gaps() {
    let names: Vec<_> = migrations().into_iter().map(|(name, _)| name).collect();
    let numbered: Vec<_> = names.iter().filter(|name| *name != "version_table.sql").collect();
    for (number, name) in (1..).zip(numbered) {
        assert!(name.starts_with(&format!("{number:04}_")), "{name}");
    }
}

#[test]
fn what_is_against_the_rules_is_found() {
    for (script, expected) in [
        ("CREATE TABLE a (shard BIGINT NOT NULL, b BIGINT NOT NULL, PRIMARY KEY (b, shard))", "primary key"),
        ("CREATE TABLE a (shard BIGINT NOT NULL, b BIGINT NOT NULL)", "no primary key"),
        ("CREATE TABLE a (b BIGINT NOT NULL, PRIMARY KEY (b))", "begin with the shard"),
        ("CREATE TABLE a (shard BIGINT PRIMARY KEY)", "more than NOT NULL"),
        ("CREATE TABLE a (shard BIGINT NOT NULL, b BIGSERIAL, PRIMARY KEY (shard))", "is a sequence"),
        (
            "CREATE TABLE a (shard BIGINT NOT NULL, b BIGINT GENERATED ALWAYS AS (shard) STORED, PRIMARY KEY (shard))",
            "more than",
        ),
        ("CREATE TABLE a (shard BIGINT NOT NULL, b BIGINT, PRIMARY KEY (shard), UNIQUE (b))", "unique key"),
        (
            "CREATE TABLE a (shard BIGINT NOT NULL, b BIGINT, PRIMARY KEY (shard), FOREIGN KEY (b) REFERENCES c (b))",
            "foreign key",
        ),
        (
            "CREATE TABLE a (shard BIGINT NOT NULL, PRIMARY KEY (shard) DEFERRABLE INITIALLY DEFERRED)",
            "deferrable",
        ),
        ("CREATE UNIQUE INDEX i ON a (b)", "unique index"),
        ("CREATE SEQUENCE s", "no table"),
        ("CREATE TRIGGER t AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION f()", "no table"),
        ("LISTEN events", "no table"),
        ("ALTER TABLE a ADD COLUMN b BIGINT", "no table"),
        ("SELECT pg_advisory_lock(1)", "no table"),
    ] {
        let found = faults(script);
        assert!(found.iter().any(|fault| fault.contains(expected)), "{script}: {found:?}");
    }
}
