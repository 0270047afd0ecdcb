//! Backups of a server that is at work: what was acknowledged before is in them, they become a server again, and whatever
//! is altered in one of the stores is found.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::kills::{costs_what_rate_says, events, is_there, nothing_is_doubled, projects};
use crate::kills_load::Load;
use crate::server::{Server, TOKEN, kopeck};
use crate::world::{ACME, ANN, MADE, make};

/// A row of events.
const CHUNK: &str = "chunk WHERE first = (SELECT first FROM chunk ORDER BY first LIMIT 1 OFFSET 5)";

/// Runs a command in a folder: its exit code, standard output and standard error.
fn run(folder: &Path, line: &str) -> (Option<i32>, String, String) {
    let output = kopeck(folder, line).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn done(folder: &Path, line: &str) -> String {
    let (code, stdout, stderr) = run(folder, line);
    assert_eq!(code, Some(0), "{line}: {stdout}{stderr}");
    stdout
}

#[test]
fn a_backup_of_a_server_at_work_becomes_a_server_with_all_that_was_acknowledged_before() {
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let events = events(old.path());
    let projects: Vec<String> = projects(&events).into_iter().map(str::to_owned).collect();
    let names: Vec<&str> = projects.iter().map(String::as_str).collect();
    let at = |now: &str| format!("--clock simulated --now {now}");
    let mut server = Server::start(old.path(), &at(MADE));
    make(&server, &names);
    let load = Load::new(events, MADE.parse().unwrap(), [ANN.to_owned(), ACME.to_owned()]);
    let backup = new.path().join("monday");
    let mut before = None;
    load.run_until(&mut server, load.events_left() / 2, || {
        before = Some((load.acknowledged_events(), load.acknowledged_transfers()));
        let told = done(old.path(), &format!("backup {} --store data", backup.display()));
        let said = "Copied the ledger, the event log and the directory in data to ";
        assert!(told.starts_with(said), "{told}");
    });
    let (events, transfers) = before.unwrap();
    assert!(!events.is_empty() && !transfers.is_empty());
    assert!(done(new.path(), "ledger verify --backup monday").starts_with("All is well: "));
    assert!(done(new.path(), "restore monday --store data").starts_with("Restored "));
    assert_eq!(run(new.path(), "restore monday --store data").0, Some(2), "where something is already");
    let mut server = Server::start(new.path(), &at(&load.clock_asked().to_string()));
    is_there(&server, &load, (&events, transfers));
    load.send_all_again(&server);
    nothing_is_doubled(&server, &load);
    load.finish(&server);
    costs_what_rate_says(&server, &load, new.path());
    verified_over_http(new.path(), &server);
    server.terminate();
    assert_eq!(server.ended(), Some(0));
    what_is_altered_is_found(new.path());
}

/// The command tells the same of a server as of its folder.
fn verified_over_http(folder: &Path, server: &Server) {
    let mut command = kopeck(folder, "ledger verify --format json --url");
    let output =
        command.arg(format!("http://{}", server.address)).env("KOPECK_TOKEN", TOKEN).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let remote: Value = serde_json::from_slice(&output.stdout).unwrap();
    let local: Value =
        serde_json::from_str(&done(folder, "ledger verify --format json --store data")).unwrap();
    assert_eq!(remote, local);
    assert_eq!((&local["problem"], &local["problems"]), (&Value::Null, &json!([])));
    let count = |store: &str, what: &str| local[store][what].as_u64().unwrap();
    assert!(
        count("events", "events") > 100 && count("events", "steps") > 10 && count("events", "postings") > 10
    );
    assert!(count("directory", "acts") > 10, "{local}");
}

/// A flipped byte of each store, and a store that is older than the others.
fn what_is_altered_is_found(folder: &Path) {
    let cases = [
        ("kopeck.db", "journal WHERE first <= 500 AND last >= 500", "records", "the ledger is broken: "),
        ("events.db", CHUNK, "body", "the event log is broken: "),
        ("events.db", "step WHERE number = 5", "postings", "the event log is broken: step 5 "),
        ("directory.db", "act WHERE sequence = 4", "after", "the directory is broken: act 4 "),
    ];
    for (name, row, column, said) in cases {
        let copy = copied(folder);
        flip(&copy.path().join("data").join(name), row, column);
        let (code, stdout, stderr) = run(copy.path(), "ledger verify --store data");
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{row}: {stderr}");
        assert!(stderr.contains(said) && stderr.contains(&format!("--> data/{name}")), "{row}: {stderr}");
    }
    let copy = copied(folder);
    replace(copy.path(), "kopeck.db");
    fs::remove_file(copy.path().join("data/kopeck.heads")).unwrap();
    let (code, _, stderr) = run(copy.path(), "ledger verify --store data");
    assert_eq!(code, Some(2));
    assert!(stderr.contains("is not in the ledger as it was decided"), "{stderr}");
    let copy = copied(folder);
    replace(copy.path(), "events.db");
    let (code, _, stderr) = run(copy.path(), "ledger verify --store data");
    assert_eq!(code, Some(2));
    assert!(stderr.contains("which the event log does not have"), "{stderr}");
    // A backup with a broken part replaces nothing.
    let copy = copied(folder);
    flip(&copy.path().join("monday/events.db"), CHUNK, "body");
    let before = done(copy.path(), "ledger verify --format json --store data");
    let (code, _, stderr) = run(copy.path(), "restore monday --store data --replace");
    assert!(code == Some(2) && stderr.contains("the event log is broken: "), "{stderr}");
    assert_eq!(done(copy.path(), "ledger verify --format json --store data"), before);
    let (code, _, stderr) = run(copy.path(), "restore monday/kopeck.db --store data --replace");
    assert!(code == Some(2) && stderr.contains("the backup holds a ledger alone"), "{stderr}");
}

/// Puts one store of the backup in its place by hand, as `kopeck restore` never does.
fn replace(folder: &Path, name: &str) {
    fs::copy(folder.join("monday").join(name), folder.join("data").join(name)).unwrap();
    // Where the server's last connection was a reader, its log is left; it belongs to the other database.
    let _ = fs::remove_file(folder.join("data").join(format!("{name}-wal")));
}

/// The stores of a folder and the backup beside them, in another one.
fn copied(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for part in ["data", "monday"] {
        fs::create_dir(copy.path().join(part)).unwrap();
        for file in fs::read_dir(folder.join(part)).unwrap().map(Result::unwrap) {
            if file.path().is_file() {
                fs::copy(file.path(), copy.path().join(part).join(file.file_name())).unwrap();
            }
        }
    }
    copy
}

/// Changes one byte in the middle of a column: which table and row, and which column.
fn flip(file: &Path, row: &str, column: &str) {
    let connection = Connection::open(file).unwrap();
    let select = format!("SELECT {column} FROM {row}");
    let mut held: Vec<u8> =
        connection.query_row(&select, (), |row| Ok(row.get_ref(0)?.as_bytes().unwrap().to_vec())).unwrap();
    let middle = held.len() / 2;
    held[middle] ^= 1;
    let (table, place) = row.split_once(" WHERE ").unwrap();
    let kind = if column == "after" { "TEXT" } else { "BLOB" };
    let update = format!("UPDATE {table} SET {column} = CAST(? AS {kind}) WHERE {place}");
    assert_eq!(connection.execute(&update, [held]).unwrap(), 1);
}
