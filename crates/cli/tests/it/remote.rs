//! The ledger's commands at a server: the same arguments, the same answers, the same exit codes as in a folder.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::Stdio;
use std::thread;

use serde_json::{Value, json};

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
        "ledger export --format hledger".to_owned(),
    ] {
        let [here, there] = twins.run(&line);
        assert_eq!(here.code, there.code, "{line}\n{}\n{}", here.whole(), there.whole());
        assert_eq!(here.stdout, there.stdout, "{line}\n{}", there.stderr);
        assert_eq!(reason(&here), reason(&there), "{line}");
        assert_eq!(here.stderr.lines().count(), there.stderr.lines().count(), "{line}\n{}", there.stderr);
    }
    of_the_ledger_a_server_proves_the_same(&twins);
}

/// What a server keeps beside the ledger is proven with it, and told in lines and fields of its own.
fn of_the_ledger_a_server_proves_the_same(twins: &Twins) {
    let [here, there] = twins.run("ledger verify");
    assert_eq!((here.code, there.code), (0, 0), "{}", there.stderr);
    let is_beside = |line: &&str| line.starts_with("The event log: ") || line.starts_with("The directory: ");
    let (beside, ledger): (Vec<&str>, Vec<&str>) = there.stdout.lines().partition(is_beside);
    assert_eq!((ledger, beside.len()), (here.stdout.lines().collect(), 2));
    let read = |answer: &Answer| serde_json::from_str::<Value>(&answer.stdout).unwrap();
    let [here, there] = twins.run("ledger verify --format json");
    let (here, mut there) = (read(&here), read(&there));
    assert_eq!(there["events"], json!({"events": 0, "steps": 0, "postings": 0}));
    assert_eq!(there["directory"]["acts"], 0);
    (there["events"], there["directory"]) = (Value::Null, Value::Null);
    assert_eq!(here, there);
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
    let statement: Value = serde_json::from_str(&statement.stdout).unwrap();
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
        (&[none], "account list --url http://ann:secret@localhost", "is not the address of a server"),
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
    saying(vec![says])
}

/// Something that answers each request with the next of these bytes, hangs up after each, and ends.
fn saying(answers: Vec<&'static str>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for says in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4_096]);
            let _ = stream.write_all(says.as_bytes());
        }
    });
    url
}

/// A server with a project that pays 10 an hour for each vCPU of the source `cloud`.
fn market() -> (Desk, Server) {
    let desk = Desk::new();
    let server = Server::start(&desk, &format!("--clock simulated --now {AT}"), Some(TOKEN));
    let (plan, user, workspace, provider) = (id(1), id(2), id(3), id(4));
    let book = "[book]\nid = \"list\"\ncurrency = \"RUB\"\ntimezone = \"UTC\"\n\n[[version]]\neffective = 2025-01-01\n\n\
                [[version.component]]\nid = \"vm.vcpu\"\nkind = \"vm\"\nmodel = \"per_second\"\nquantity = [\"vcpu\"]\n\
                price = \"10\"\nper = \"hour\"\n";
    for (path, kind, body) in [
        (
            "plans",
            "json",
            format!(
                r#"{{"id":"{plan}","name":"plan","coefficient":"1","storages":false,"executors":false,
                "projects":null,"members":null,"jobs_at_once":null,"stored_bytes":null}}"#
            ),
        ),
        ("users", "json", format!(r#"{{"id":"{user}","name":"ann","plan":"{plan}"}}"#)),
        (
            "workspaces",
            "json",
            format!(r#"{{"id":"{workspace}","owner":"{user}","name":"w","time_zone":"UTC"}}"#),
        ),
        ("projects", "json", format!(r#"{{"id":"acme","workspace":"{workspace}"}}"#)),
        ("price-books", "toml", book.to_owned()),
        (
            "providers",
            "json",
            format!(
                r#"{{"id":"{provider}","name":"cloud","price_book":"list","delay_s":60,"heartbeat_s":300}}"#
            ),
        ),
        (&format!("providers/{provider}/sources"), "json", r#"{"source":"cloud"}"#.to_owned()),
    ] {
        let kind = format!("application/{kind}");
        let (status, answer) = server.send(TOKEN, &format!("POST /v1/{path}"), "-", (&kind, &body));
        assert!(matches!(status, 200 | 201), "{path}: {answer}");
    }
    (desk, server)
}

fn event(id: u32, project: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"cloud","type":"kopeck.state.v1","subject":"vm-{id}","time":"{AT}","project":"{project}","data":{{"kind":"vm","region":"r","state":"RUNNING","attributes":{{"vcpu":2}}}}}}"#
    )
}

#[test]
fn events_are_sent_in_batches_and_what_a_project_spends_is_shown() {
    let (desk, server) = market();
    let url = format!("http://{}", server.address);
    let run = |line: &str| desk.kopeck_in(&[("KOPECK_URL", &url), ("KOPECK_TOKEN", TOKEN)], line, "");
    let events = [event(1, "acme"), String::new(), "{}".to_owned(), event(2, "acme"), event(3, "nobody")];
    std::fs::write(desk.path("a.jsonl"), events.join("\n")).unwrap();
    std::fs::write(desk.path("b.jsonl"), event(4, "acme") + "\n").unwrap();
    let sent = run("events send a.jsonl b.jsonl --batch 2");
    assert_eq!(
        (sent.code, sent.stdout.as_str()),
        (1, "3 accepted, 0 duplicates, 2 refused\n"),
        "{}",
        sent.stderr
    );
    for said in ["a.jsonl:3\n  add it", "event 3 of cloud refused", "a.jsonl:5\n  create the project"] {
        assert!(sent.stderr.contains(said), "{}", sent.stderr);
    }
    let again = run("events send b.jsonl --format json");
    assert_eq!((again.code, again.stdout.as_str()), (0, "{\"accepted\":0,\"duplicates\":1,\"refused\":0}\n"));
    let now = serde_json::json!({"now": "2025-10-02T10:00:00Z"});
    assert_eq!(server.ask(TOKEN, "POST /v1/clock", "-", Some(&now)).0, 200);
    let spend = run("spend acme");
    assert_eq!(spend.code, 0, "{}", spend.stderr);
    assert!(spend.stdout.contains("total      120.000000  RUB"), "{}", spend.stdout);
    assert!(spend.stdout.contains("burn rate  60.000000   RUB an hour"), "{}", spend.stdout);
    let spend: Value = serde_json::from_str(&run("spend acme --format json").stdout).unwrap();
    assert_eq!((&spend["total"], &spend["month"]), (&"120.000000".into(), &"2025-10".into()));
    for (line, said) in [
        ("spend nobody", "there is no project nobody"),
        ("spend acme/../other", "there is no project acme/../other"),
        ("spend acme --month october", "is no month"),
        ("events send none.jsonl", "can not open none.jsonl"),
    ] {
        let answer = run(line);
        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{line}\n{}", answer.whole());
        assert!(answer.stderr.contains(said), "{line}\n{}", answer.stderr);
    }
}

#[test]
fn what_a_project_spends_is_followed_until_the_server_ends() {
    let (desk, server) = market();
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin("kopeck"));
    command.args(["spend", "acme", "--follow", "--format", "json"]).current_dir(desk.path(""));
    command.env("KOPECK_URL", format!("http://{}", server.address)).env("KOPECK_TOKEN", TOKEN);
    let mut follower = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    let total = |line: String| serde_json::from_str::<Value>(&line).unwrap()["total"].clone();
    assert_eq!(total(lines.next().unwrap().unwrap()), "0.000000");
    let sent = server.send(TOKEN, "POST /v1/events", "-", ("application/x-ndjson", &event(1, "acme")));
    assert_eq!(sent.0, 200, "{}", sent.1);
    let now = serde_json::json!({"now": "2025-10-02T09:00:00Z"});
    assert_eq!(server.ask(TOKEN, "POST /v1/clock", "-", Some(&now)).0, 200);
    assert!(lines.any(|line| total(line.unwrap()) == "20.000000"));
    server.signal("-TERM");
    let told = follower.wait_with_output().unwrap();
    let told = String::from_utf8(told.stderr).unwrap();
    assert!(told.contains("the server has ended") || told.contains("the connection failed"), "{told}");
}

#[test]
fn a_server_that_is_busy_or_hangs_up_is_asked_again() {
    let busy = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nRetry-After: 0\r\n\
                Connection: close\r\nContent-Length: 92\r\n\r\n{\"type\":\"urn:kopeck:problem:unavailable\",\"title\":\"\
                not now\",\"status\":503,\"detail\":\"it stops\"}";
    let done = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: 42\r\n\r\n\
                {\"accepted\":1,\"duplicates\":0,\"refused\":[]}";
    let desk = Desk::new().file("a.jsonl", event(1, "acme"));
    let line = |url| format!("events send a.jsonl --url {url}");
    let sent = desk.kopeck_in(&[("KOPECK_TOKEN", TOKEN)], &line(saying(vec![busy, "", busy, done])), "");
    assert_eq!(
        (sent.code, sent.stdout.as_str()),
        (0, "1 accepted, 0 duplicates, 0 refused\n"),
        "{}",
        sent.stderr
    );
    assert!(sent.stderr.starts_with("warning: it stops"), "{}", sent.stderr);
    // What is accepted for other events than were sent is not believed.
    let desk = Desk::new().file("a.jsonl", format!("{}\n{}", event(1, "acme"), event(2, "acme")));
    let sent = desk.kopeck_in(&[("KOPECK_TOKEN", TOKEN)], &line(saying(vec![done])), "");
    assert_eq!(sent.code, 2);
    assert!(sent.stderr.contains("it answers for 1 events, and 2 were sent"), "{}", sent.stderr);
}

#[test]
fn tokens_are_issued_listed_and_ended() {
    let (desk, server) = market();
    let url = format!("http://{}", server.address);
    let run =
        |token: &str, line: &str| desk.kopeck_in(&[("KOPECK_URL", &url), ("KOPECK_TOKEN", token)], line, "");
    let issue = |line: &str| {
        let issued = run(TOKEN, &format!("token create {line}"));
        assert_eq!(issued.code, 0, "{}", issued.stderr);
        issued.stdout.trim().to_owned()
    };
    let accountant = issue("--name books --installation accountant");
    issue("--name ci --project acme --role developer --expires 2027-01-01T00:00:00Z");
    let sender = issue(&format!("--name cloud --provider {}", id(4)));
    std::fs::write(desk.path("a.jsonl"), event(1, "acme")).unwrap();
    assert_eq!(run(&sender, "events send a.jsonl").code, 0);
    assert_eq!(run(&sender, "account list").code, 2);
    assert_eq!(run(&accountant, "account list").code, 0);
    let list = run(TOKEN, "token list --format json").stdout;
    let list: Value = serde_json::from_str(&list).unwrap();
    let books = list["tokens"].as_array().unwrap().iter().find(|token| token["name"] == "books").unwrap();
    let revoked = run(TOKEN, &format!("token revoke {}", books["id"].as_str().unwrap()));
    assert_eq!(revoked.code, 0, "{}", revoked.stderr);
    assert_eq!(run(&accountant, "account list").code, 2);
    for (line, said) in [
        ("--name x --installation king", "unknown variant `king`"),
        ("--name x --project acme", "--role"),
        ("--name x", "--installation"),
        ("--name x --installation operator --project acme --role viewer", "cannot be used with"),
    ] {
        let refused = run(TOKEN, &format!("token create {line}"));
        assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{line}\n{}", refused.whole());
        assert!(refused.stderr.contains(said), "{line}\n{}", refused.stderr);
    }
}
