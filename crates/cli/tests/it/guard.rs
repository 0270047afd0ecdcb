//! The guard of the real binary: a cap is met, the stop goes out, the server dies twice, the cloud obeys, the cap is kept.

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::{Value, json};

use crate::desk::{Answer, Desk};
use crate::serve::{Server, TOKEN};

const BOOK: &str = "[book]\nid = \"cloud\"\ncurrency = \"RUB\"\ntimezone = \"Europe/Moscow\"\n\n\
    [[version]]\neffective = 2026-01-01\n\n[[version.component]]\nid = \"vm.vcpu\"\nkind = \"vm\"\n\
    when = { state = \"active\" }\nmodel = \"per_second\"\nquantity = [\"vcpu\"]\nprice = \"10\"\nper = \"hour\"\n";

fn id(number: u32) -> String {
    format!("00000000-0000-7000-8000-{number:012}")
}

/// A cloud of one project at a server that lives by a clock of its own.
struct Cloud {
    desk: Desk,
    server: Server,
}

impl Cloud {
    fn new() -> Cloud {
        let desk = Desk::new();
        let server = started(&desk, "2026-10-01T12:00:00Z", "");
        let cloud = Cloud { desk, server };
        cloud.done("POST /v1/users", &json!({"id": id(1), "name": "Ann"}));
        let workspace = json!({"id": id(11), "owner": id(1), "name": "acme", "time_zone": "Europe/Moscow"});
        cloud.done("POST /v1/workspaces", &workspace);
        cloud.done("POST /v1/projects", &json!({"id": "acme", "workspace": id(11)}));
        let (status, answer) =
            cloud.server.send(TOKEN, "POST /v1/price-books", "-", ("application/toml", BOOK));
        assert_eq!(status, 201, "{answer}");
        let provider = json!({"id": id(20), "name": "cloud", "price_book": "cloud", "delay_s": 0, "heartbeat_s": 0,
            "latency_s": 60});
        cloud.done("POST /v1/providers", &provider);
        let sources = json!({"source": "cloud://", "prefix": true});
        cloud.done(&format!("POST /v1/providers/{}/sources", id(20)), &sources);
        cloud
    }

    fn done(&self, request: &str, body: &Value) -> Value {
        let (status, answer) = self.server.ask(TOKEN, request, "-", Some(body));
        assert!((200..300).contains(&status), "{request}: {answer}");
        answer
    }

    fn says(&self, event: &str, time: &str, state: &str) {
        let line =
            json!({"specversion": "1.0", "type": "kopeck.state.v1", "source": "cloud://msk-1", "id": event,
            "subject": "one", "time": format!("2026-10-01T{time}Z"), "project": "acme",
            "data": {"kind": "vm", "state": state, "attributes": {"vcpu": 1}}})
            .to_string();
        let sent = self.server.send(TOKEN, "POST /v1/events", "-", ("application/x-ndjson", &line));
        assert_eq!(sent.1["accepted"], 1, "{}", sent.1);
    }

    fn until(&self, time: &str) {
        self.done("POST /v1/clock", &json!({"now": format!("2026-10-01T{time}Z")}));
    }

    fn kopeck(&self, line: &str) -> Answer {
        let url = format!("http://{}/", self.server.address);
        self.desk.kopeck_in(&[("KOPECK_URL", &url), ("KOPECK_TOKEN", TOKEN)], line, "")
    }

    /// Dies at once, and is started again at an instant.
    fn reborn(self, time: &str, args: &str) -> Cloud {
        let Cloud { desk, server } = self;
        server.signal("-KILL");
        assert_eq!(server.end().0, None);
        let server = started(&desk, &format!("2026-10-01T{time}Z"), args);
        Cloud { desk, server }
    }

    /// The next stop that the program has got: it waits until somebody reads it.
    fn delivered(&self) -> Value {
        let mut text = String::new();
        fs::File::open(self.desk.path("stops")).unwrap().read_to_string(&mut text).unwrap();
        serde_json::from_str(&text).unwrap()
    }
}

fn started(desk: &Desk, now: &str, args: &str) -> Server {
    Server::start(desk, &format!("--clock simulated --now {now} {args}"), Some(TOKEN))
}

#[test]
fn a_stop_survives_sudden_deaths_is_sent_until_it_is_obeyed_and_the_cap_is_kept() {
    let cloud = Cloud::new();
    assert!(Command::new("mkfifo").arg(cloud.desk.path("stops")).status().unwrap().success());
    let program = cloud.desk.path("stop");
    fs::write(&program, format!("#!/bin/sh\nexec cat > {}\n", cloud.desk.path("stops").display())).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let with_program = format!("--stop-program {}", program.display());

    let set = cloud.kopeck("limit set acme cap:month --amount 10");
    assert_eq!((set.code, set.stderr.as_str()), (0, ""));
    cloud.says("1", "12:00:00", "RUNNING");
    // At 13:00 ten are spent, and the cloud may take a minute. Nobody is there yet who could bring it the stop.
    cloud.until("12:59:00");
    let stops = cloud.kopeck("limit stops acme --format json");
    let stops: Value = serde_json::from_str(&stops.stdout).unwrap();
    assert_eq!(
        (&stops["stops"][0]["resource"], &stops["stops"][0]["outcome"], &stops["stops"][0]["decided"]),
        (&json!("one"), &json!("open"), &json!("2026-10-01T12:59:00Z")),
        "{stops}"
    );

    // What was written is sent after a sudden death; and again after another one, under the same id.
    let cloud = cloud.reborn("12:59:00", &with_program);
    let first = cloud.delivered();
    assert_eq!((&first["type"], &first["project"]), (&json!("kopeck.stop.v1"), &json!("acme")));
    assert_eq!((&first["source"], &first["resource"]), (&json!("cloud://msk-1"), &json!("one")));
    let cloud = cloud.reborn("12:59:00", &with_program);
    assert_eq!(cloud.delivered(), first);

    cloud.until("12:59:20");
    cloud.says("2", "12:59:20", "STOPPED");
    cloud.until("13:30:00");
    let spend = cloud.done("POST /v1/clock", &json!({"now": "2026-10-01T13:30:00Z"}));
    assert_eq!(spend["now"], "2026-10-01T13:30:00Z");
    let (_, spend) = cloud.server.ask(TOKEN, "GET /v1/projects/acme/spend", "-", None);
    // 59 minutes and 20 seconds of ten an hour.
    assert_eq!(spend["total"], "9.888889", "{spend}");
    let stops = cloud.kopeck("limit stops acme");
    assert!(stops.stdout.contains("obeyed") && !stops.stdout.contains("open"), "{}", stops.stdout);

    // Nothing is asked for any more, and what is started again is stopped again.
    cloud.says("3", "13:30:00", "RUNNING");
    cloud.until("13:30:01");
    let again = cloud.delivered();
    assert_eq!(again["resource"], "one");
    assert_ne!(again["id"], first["id"]);

    let raised = cloud.kopeck("limit set acme cap:month --amount 1000");
    assert!(raised.stdout.contains("actual") && !raised.stdout.contains("stop "), "{}", raised.stdout);
    let removed = cloud.kopeck("limit remove acme cap:month");
    assert_eq!((removed.code, removed.stderr.as_str()), (0, "cap:month limits nothing any more\n"));
}

#[test]
fn what_can_not_be_a_limit_is_told_with_its_remedy() {
    let cloud = Cloud::new();
    for (line, said) in [
        ("limit set acme cap:year --amount 5", "is not a limit: write cap:month"),
        ("limit set acme cap:month", "is missing"),
        ("limit set acme cap:month --amount 0", "leaves nothing to spend"),
        ("limit set acme cap:month --amount -1", "is below zero"),
        ("limit set acme cap:month --amount 5 --until 2026-09-01T00:00:00Z", "is not ahead of now"),
        ("limit set nobodys cap:month --amount 5", "there is no project nobodys"),
        ("limit set cap:month --amount 5", "a project, or --payer with a workspace, is missing"),
        ("limit set acme quota --amount 5 --at 80=explode", "write it like 80=notify"),
        ("limit remove acme rate", "there is no limit rate"),
        ("limit list nobodys", "there is no project nobodys"),
    ] {
        let answer = cloud.kopeck(line);
        assert_eq!((answer.code, answer.stderr.contains(said)), (2, true), "{line}\n{}", answer.stderr);
    }
    let set = cloud.kopeck(&format!("limit set --payer {} wallet", id(11)));
    assert_eq!(set.code, 0, "{}", set.stderr);
    let list = cloud.kopeck(&format!("limit list --payer {}", id(11)));
    assert!(list.stdout.contains("wallet"), "{}", list.stdout);
}
