//! The ledger's commands at a server: the same arguments, the same answers, the same exit codes as in a folder.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use crate::desk::{Answer, Desk};
use crate::ledger::{COMMANDS, id};
use crate::serve::{Server, TOKEN};

/// The one instant of both ledgers.
const AT: &str = "2025-10-02T08:00:00Z";

/// A server whose clock stands still, and a folder, both on desks of their own.
struct Twins {
    folder: Desk,
    desk: Desk,
    server: Server,
}

impl Twins {
    fn new() -> Twins {
        let (folder, desk) = (Desk::new(), Desk::new());
        let server = Server::start(&desk, &format!("--clock simulated --now {AT}"), Some(TOKEN));
        assert_eq!(folder.kopeck(&format!("init --at {AT}")).code, 0);
        Twins { folder, desk, server }
    }

    /// Runs a line on both; one that writes is written at one instant by one actor.
    fn run(&self, line: &str) -> [Answer; 2] {
        let here = match line.contains("--id ") {
            true => format!("{line} --actor operator --at {AT}"),
            false => line.to_owned(),
        };
        [self.folder.kopeck(&here), self.there(line)]
    }

    fn there(&self, line: &str) -> Answer {
        let url = format!("http://{}/", self.server.address);
        self.desk.kopeck_in(&[("KOPECK_URL", &url), ("KOPECK_TOKEN", TOKEN)], line, "")
    }
}

/// What people see first of what went wrong; the remedies may name other places.
fn reason(answer: &Answer) -> &str {
    answer.stderr.lines().next().unwrap_or_default()
}

#[test]
fn every_command_answers_at_a_server_as_in_a_folder() {
    let twins = Twins::new();
    let write = |number: u64, line: &str| format!("{line} --id {}", id(number));
    let hold = |number, to: &str| write(number, &format!("hold {to}"));
    for line in [
        write(1, "account create --kind user --name Ann"),
        write(2, "account create --kind workspace --name acme --owner Ann --zone Europe/Moscow"),
        write(3, "account create --kind user --name Bob --credit-limit 5 --format json"),
        write(4, "deposit --to Ann --amount 1000 --reference order-17"),
        write(5, "transfer --from Ann --to acme --amount 250.5 --project p --format json"),
        write(6, "deposit --to Ann --amount 40 --invoice 2025-10-1 --workspace acme"),
        write(7, &format!("transfer --from acme --to {} --amount 0.000001", id(1))),
        write(8, "withdraw --from Ann --amount 100 --reference order-18"),
        write(4, "deposit --to Ann --amount 1000 --reference order-17"),
        hold(10, "create --on Ann --amount 40 --expires 2099-01-01T00:00:00Z --reference job"),
        hold(11, &format!("post {} --to acme --amount 12.5 --keep", id(10))),
        format!("hold show {}", id(10)),
        hold(12, &format!("post {} --withdraw", id(10))),
        hold(13, &format!("post {} --withdraw", id(10))),
        format!("hold show {} --format json", id(10)),
        hold(20, "create --on Ann --amount 7 --expires 2099-01-01T00:00:00Z --format json"),
        hold(21, &format!("release {}", id(20))),
        write(30, &format!("reverse {} --reference twice", id(5))),
        write(31, &format!("correct {} --amount 90 --format json", id(8))),
        write(32, "account limit acme 500"),
        write(33, "account coefficient acme 1.25 --format json"),
        // Refusals.
        write(40, "transfer --from Ann --to acme --amount 999999"),
        write(4, "deposit --to Ann --amount 1001 --reference order-17"),
        write(41, "transfer --from acme --to Bob --amount 5"),
        write(42, "transfer --from Ann --to nobody --amount 5"),
        write(43, &format!("transfer --from {} --to acme --amount 5", id(77))),
        write(44, "account create --kind workspace --name w"),
        write(45, "account create --kind user --name n --zone Mars/Base"),
        write(46, &format!("reverse {}", id(5))),
        write(47, &format!("reverse {}", id(77))),
        write(48, &format!("hold release {}", id(77))),
        write(49, "deposit --to Ann --amount 0"),
        // Looks.
        "account list".to_owned(),
        "account list --kind user --format json".to_owned(),
        "account show acme".to_owned(),
        "account show Ann --format json".to_owned(),
        "account show Nobody".to_owned(),
        format!("account show Ann --as-of {AT}"),
        "account show Ann --as-of 2025-10-02T07:59:59Z --format json".to_owned(),
        "account statement Ann".to_owned(),
        "account statement Ann --lang ru --format json".to_owned(),
        "account statement Ann --by date".to_owned(),
        "account statement Ann --by user --format json".to_owned(),
        "account statement acme --by project --format json".to_owned(),
        "account statement Ann --by counterparty --from 2025-10-01 --to 2025-10-03".to_owned(),
        "account statement Ann --from 2025-10-02 --to 2025-10-02".to_owned(),
        "account report acme".to_owned(),
        "account report acme --format json --from 2025-10-01".to_owned(),
        "account report Ann".to_owned(),
        "ledger verify".to_owned(),
        "ledger verify --format json".to_owned(),
        "ledger export --format hledger".to_owned(),
    ] {
        let [here, there] = twins.run(&line);
        assert_eq!(here.code, there.code, "{line}\n{}\n{}", here.whole(), there.whole());
        assert_eq!(here.stdout, there.stdout, "{line}\n{}", there.stderr);
        assert_eq!(reason(&here), reason(&there), "{line}");
        assert_eq!(here.stderr.lines().count(), there.stderr.lines().count(), "{line}\n{}", there.stderr);
    }
}

#[test]
fn a_statement_of_many_pages_is_whole() {
    let twins = Twins::new();
    twins.run(&format!("account create --kind user --name Ann --id {}", id(1)));
    let body: Vec<_> = (0..1_100)
        .map(|number| {
            serde_json::json!({"type": "deposit", "id": id(1_000 + number), "account": id(1), "amount": "1",
                "currency": "RUB"})
        })
        .collect();
    let (status, _) = twins.server.ask(TOKEN, "POST /v1/transactions", "many", Some(&body.into()));
    assert_eq!(status, 200);
    let statement = twins.there("account statement Ann --format json");
    let statement: serde_json::Value = serde_json::from_str(&statement.stdout).unwrap();
    assert_eq!(statement["lines"].as_array().unwrap().len(), 1_100);
    assert_eq!((&statement["closing"], &statement["next"]), (&"1100.000000".into(), &().into()));
}

#[test]
fn what_a_server_can_not_be_asked_is_told_before_it_is_asked() {
    let desk = Desk::new();
    let none = ("KOPECK_TOKEN", "t");
    for (environment, line, said) in [
        (&[none][..], "account list --url http://localhost:1 --store there", "cannot be used with"),
        (
            &[none, ("KOPECK_URL", "http://localhost:1"), ("KOPECK_STORE", "x")],
            "account list",
            "names a server and",
        ),
        (&[none], "account list --url localhost:8080", "is not the address of a server"),
        (&[none], "account list --url ftp://localhost", "is not the address of a server"),
        (&[], "account list --url http://localhost:1", "no token for the server in KOPECK_TOKEN"),
        (&[("KOPECK_TOKEN", "two words")], "account list --url http://localhost:1", "is not a token"),
        (&[], "account list --url http://localhost:1 --token-file none", "can not read none"),
        (
            &[none],
            "deposit --url http://localhost:1 --to Ann --amount 1 --at 2025-10-02T08:00:00Z",
            "--at belongs",
        ),
        (&[none], "deposit --url http://localhost:1 --to Ann --amount 1 --actor Bob", "--actor belongs"),
    ] {
        let answer = desk.kopeck_in(environment, line, "");
        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{line}\n{}", answer.whole());
        assert!(answer.stderr.contains(said), "{line}\n{}", answer.stderr);
        assert!(answer.stderr.lines().count() > 1, "{line} is told without a remedy\n{}", answer.stderr);
    }
}

/// The commands that need no files of a ledger.
fn remote_commands() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().copied().filter(|line| !line.starts_with("backup"))
}

#[test]
fn a_server_that_is_down_is_told_by_every_command() {
    let desk = Desk::new();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{free}");
    for line in remote_commands() {
        let answer = desk.kopeck_in(&[("KOPECK_URL", &url), ("KOPECK_TOKEN", TOKEN)], line, "");
        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{line}\n{}", answer.whole());
        assert!(answer.stderr.contains("the server can not be reached"), "{line}\n{}", answer.stderr);
        assert!(
            answer.stderr.contains(&url) && answer.stderr.contains("check --url"),
            "{line}\n{}",
            answer.stderr
        );
    }
}

#[test]
fn a_token_that_the_server_does_not_know_is_told_by_every_command() {
    let desk = Desk::new().file("token", "another-token-of-the-tests-with-40-chars\n");
    let server = Server::start(&desk, "", Some(TOKEN));
    for line in remote_commands() {
        let line = format!("{line} --url http://{} --token-file token", server.address);
        let answer = desk.kopeck(&line);
        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{line}\n{}", answer.whole());
        assert!(answer.stderr.contains("the token is not known"), "{line}\n{}", answer.stderr);
        assert!(answer.stderr.contains("KOPECK_TOKEN") && !answer.stderr.contains("another-token"), "{line}");
    }
}

#[test]
fn what_is_no_server_of_kopeck_is_told_as_such() {
    let desk = Desk::new();
    for (says, said) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html></html>", "not a server of kopeck"),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "not a server of kopeck"),
        ("HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n", "it answers 302"),
        ("SSH-2.0-OpenSSH_9.6\r\n", "not a server of kopeck"),
        ("", "the connection to the server failed"),
    ] {
        let url = foreign(says);
        let answer = desk.kopeck_in(&[("KOPECK_TOKEN", TOKEN)], &format!("account list --url {url}"), "");
        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{says}\n{}", answer.whole());
        assert!(answer.stderr.contains(said) && answer.stderr.contains(&url), "{says}\n{}", answer.stderr);
        // What speaks no TLS is told as well.
        let secure = foreign(says).replace("http:", "https:");
        let answer = desk.kopeck_in(&[("KOPECK_TOKEN", TOKEN)], &format!("account list --url {secure}"), "");
        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{says}\n{}", answer.whole());
    }
}

/// Something that answers one request with these bytes, and ends.
fn foreign(says: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4_096]);
        let _ = stream.write_all(says.as_bytes());
    });
    url
}
