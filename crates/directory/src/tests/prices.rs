use expect_test::expect;
use jiff::civil::date;

use crate::act::{Act, Assignment, NewContract, NewWorkspace, ProviderTerms};
use crate::entity::{Emitter, Pattern};
use crate::testing::{
    World, book, book_id, instant, new_project, new_workspace, project, provider, provider_terms, text,
    version,
};

fn announce(text: &str) -> Act {
    Act::AnnounceVersion { book: book_id("list"), text: text.to_owned() }
}

/// The dates of the book's versions, with the instants of their announcements.
fn versions(world: &World) -> String {
    let shelf = world.directory.shelf("list").unwrap();
    let told = shelf.versions.values().map(|version| format!("{} {}", version.effective, version.announced));
    told.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_rise_is_announced_thirty_days_before_and_a_fall_is_not() {
    let mut world = World::inhabited();
    expect!["version 2026-10-30 has 29 days' notice and 30 are required: the earliest effective date is 2026-10-31"]
        .assert_eq(&world.refused(announce(&version("2026-10-30", "11"))));
    world.operator(announce(&version("2026-10-31", "11")));
    world.operator(announce(&version("2026-10-02", "9")));
    expect![[r#"
        2026-01-01 2026-10-01T12:00:00Z
        2026-10-02 2026-10-01T12:00:00Z
        2026-10-31 2026-10-01T12:00:00Z"#]]
    .assert_eq(&versions(&world));
}

#[test]
fn the_announcement_is_the_instant_of_acceptance_whatever_the_text_says() {
    let mut world = World::inhabited();
    let said =
        version("2026-10-20", "11").replace("\n\n[[version.c", "\nannounced = 2026-01-01\n\n[[version.c");
    expect!["version 2026-10-20 has 19 days' notice and 30 are required: the earliest effective date is 2026-10-31"]
        .assert_eq(&world.refused(announce(&said)));
}

#[test]
fn the_day_of_the_announcement_is_the_local_one() {
    let mut world = World::inhabited();
    // 00:30 on the 2nd in Moscow.
    world.now = instant("2026-10-01T21:30:00Z");
    expect!["version 2026-10-31 has 29 days' notice and 30 are required: the earliest effective date is 2026-11-01"]
        .assert_eq(&world.refused(announce(&version("2026-10-31", "11"))));
}

#[test]
fn an_edit_before_effect_begins_the_notice_anew() {
    let mut world = World::inhabited();
    world.operator(announce(&version("2026-11-05", "11")));
    world.now = instant("2026-10-10T00:00:00Z");
    expect!["version 2026-11-05 has 26 days' notice and 30 are required: the earliest effective date is 2026-11-09"]
        .assert_eq(&world.refused(announce(&version("2026-11-05", "12"))));
    world.operator(announce(&version("2026-11-05", "9.5")));
    expect![[r#"
        2026-01-01 2026-10-01T12:00:00Z
        2026-11-05 2026-10-10T00:00:00Z"#]]
    .assert_eq(&versions(&world));
}

#[test]
fn the_same_version_again_leaves_its_announcement() {
    let mut world = World::inhabited();
    world.operator(announce(&version("2026-11-05", "11")));
    world.now = instant("2026-10-10T00:00:00Z");
    assert!(world.operator(announce(&version("2026-11-05", "11"))).is_empty());
}

#[test]
fn a_version_that_has_taken_effect_is_never_edited() {
    let mut world = World::inhabited();
    expect!["version 2026-01-01 has taken effect at 2025-12-31T21:00:00Z: correct it with a new version"]
        .assert_eq(&world.refused(announce(&version("2026-01-01", "1"))));
    expect!["2026-09-30T21:00:00Z is not ahead of now, 2026-10-01T12:00:00Z"]
        .assert_eq(&world.refused(announce(&version("2026-10-01", "1"))));
}

#[test]
fn a_version_before_an_announced_one_must_not_make_that_a_rise_without_notice() {
    let mut world = World::inhabited();
    world.operator(announce(&version("2026-11-05", "9")));
    world.now = instant("2026-10-20T00:00:00Z");
    // From 8 to 9 on the 5th is a rise that was announced in time: on the 1st.
    world.operator(announce(&version("2026-10-25", "8")));
    // A fall that is announced now would be a rise after another one.
    world.operator(announce(&version("2026-11-10", "7")));
    expect!["version 2026-11-10 has 21 days' notice and 30 are required: the earliest effective date is 2026-11-19"]
        .assert_eq(&world.refused(announce(&version("2026-11-07", "6"))));
}

#[test]
fn the_head_may_come_with_a_version_as_it_is() {
    let mut world = World::inhabited();
    let whole = book("list", "Europe/Moscow", &[("2026-11-05", "11")]);
    expect!["the text's head is not that of price book list: send the [[version]] alone, or with the head as it is"]
        .assert_eq(&world.refused(announce(&whole.replace("RUB", "USD"))));
    world.operator(announce(&whole));
}

#[test]
fn one_version_is_announced_at_a_time() {
    let mut world = World::inhabited();
    let two = version("2026-11-05", "11") + &version("2026-11-06", "12");
    expect!["the text has 2 versions: announce one at a time"].assert_eq(&world.refused(announce(&two)));
    expect!["the text has 0 versions: announce one at a time"].assert_eq(&world.refused(announce("")));
}

#[test]
fn a_text_that_is_no_book_is_told_by_its_own_lines() {
    let mut world = World::inhabited();
    expect![[r#"the price book has 1 problem(s), the first: line 9: version 2026-11-05: component vm.vcpu: `price` is "-11"; write a decimal below 10^9 with at most 9 places, such as "365.25""#]].assert_eq(&world.refused(announce(&version("2026-11-05", "-11"))));
    expect!["the price book has 3 problem(s), the first: line 1: [book] has no `currency`; add `currency`"]
        .assert_eq(&world.refused(Act::CreateBook { text: "[book]\nid = \"x\"\n".to_owned() }));
}

#[test]
fn a_new_book_tells_its_past_and_announces_its_future() {
    let mut world = World::inhabited();
    let past = [("2026-01-01", "1"), ("2026-09-01", "5"), ("2026-12-01", "6")];
    world.operator(Act::CreateBook { text: book("a", "Europe/Moscow", &past) });
    let soon = [("2026-01-01", "1"), ("2026-10-15", "5")];
    expect!["version 2026-10-15 has 14 days' notice and 30 are required: the earliest effective date is 2026-10-31"]
        .assert_eq(&world.refused(Act::CreateBook { text: book("b", "Europe/Moscow", &soon) }));
    let first = [("2026-10-15", "5")];
    world.operator(Act::CreateBook { text: book("b", "Europe/Moscow", &first) });
    expect!["price book a exists already"]
        .assert_eq(&world.refused(Act::CreateBook { text: book("a", "Europe/Moscow", &first) }));
}

#[test]
fn books_are_the_operators_matter() {
    let mut world = World::inhabited();
    let text = book("mine", "Europe/Moscow", &[("2026-01-01", "0")]);
    expect!["this needs the permission `prices`"].assert_eq(&world.refused_to(1, Act::CreateBook { text }));
    expect!["this needs the permission `prices`"]
        .assert_eq(&world.refused_to(1, announce(&version("2026-11-05", "0"))));
}

fn contract(book: Option<&str>, from: jiff::civil::Date) -> Act {
    let book = book.map(book_id);
    Act::SetContract(NewContract { project: project("acme"), provider: provider(20), book, from })
}

/// Contract books `cheap` at 8 and `dear` at 12.
fn with_contract_books() -> World {
    let mut world = World::inhabited();
    world.operator(Act::CreateBook { text: book("cheap", "Europe/Moscow", &[("2026-01-01", "8")]) });
    world.operator(Act::CreateBook { text: book("dear", "Europe/Moscow", &[("2026-01-01", "12")]) });
    world
}

fn route(world: &World, name: &str, at: &str) -> String {
    match world.directory.route("cloud://x", name, instant(at)) {
        Ok(route) => format!("{} {}", route.shelf.book.id, route.shelf.book.meter.0),
        Err(reason) => reason.to_string(),
    }
}

#[test]
fn a_contract_holds_at_its_provider_alone_also_where_others_have_the_same_books() {
    let mut world = with_contract_books();
    let with_list = |id, source: &str, book: &str| {
        let terms = ProviderTerms {
            name: text("p"),
            book: book_id(book),
            delay_s: 60,
            heartbeat_s: 0,
            ..provider_terms("list")
        };
        let pattern = Pattern { text: text(source), prefix: true };
        let source = Assignment { pattern, provider: provider(id), from: None };
        [Act::CreateProvider(provider(id), terms), Act::AssignSource(source)]
    };
    with_list(21, "metal://", "cheap").into_iter().for_each(|act| drop(world.operator(act)));
    world.operator(contract(Some("cheap"), date(2026, 10, 2)));
    with_list(22, "disk://", "list").into_iter().for_each(|act| drop(world.operator(act)));
    let book = |source: &str| {
        let route = world.directory.route(source, "acme", instant("2026-12-01T00:00:00Z"));
        route.unwrap().shelf.book.id.to_string()
    };
    assert_eq!(["cloud://x", "metal://x", "disk://x"].map(book), ["cheap", "cheap", "list"]);
}

#[test]
fn a_contract_holds_from_a_future_midnight_for_its_project_alone() {
    let mut world = with_contract_books();
    expect!["2026-09-30T21:00:00Z is not ahead of now, 2026-10-01T12:00:00Z"]
        .assert_eq(&world.refused(contract(Some("cheap"), date(2026, 10, 1))));
    world.operator(contract(Some("cheap"), date(2026, 10, 2)));
    assert_eq!(route(&world, "acme", "2026-10-01T20:59:59Z"), "list 0");
    assert_eq!(route(&world, "acme", "2026-10-01T21:00:00Z"), "cheap 1");
    assert_eq!(route(&world, "other", "2026-10-01T21:00:00Z"), "list 0");
}

#[test]
fn a_contract_that_is_dearer_needs_the_notice_of_a_version() {
    let mut world = with_contract_books();
    expect![
        "version 2026-10-02 has 1 days' notice and 30 are required: the earliest effective date is 2026-10-31"
    ]
    .assert_eq(&world.refused(contract(Some("dear"), date(2026, 10, 2))));
    world.operator(contract(Some("dear"), date(2026, 10, 31)));
    world.operator(contract(Some("cheap"), date(2026, 10, 2)));
    assert_eq!(route(&world, "acme", "2026-12-01T00:00:00Z"), "cheap 1");
    // Back to the list, which is dearer than the contract.
    world.now = instant("2026-10-03T00:00:00Z");
    expect!["version 2026-10-20 has 17 days' notice and 30 are required: the earliest effective date is 2026-11-02"]
        .assert_eq(&world.refused(contract(None, date(2026, 10, 20))));
    world.operator(contract(None, date(2026, 11, 2)));
    assert_eq!(route(&world, "acme", "2026-12-01T00:00:00Z"), "list 0");
}

#[test]
fn all_books_that_price_a_workspace_share_its_zone_and_currency() {
    let mut world = with_contract_books();
    world.operator(Act::CreateBook { text: book("utc", "UTC", &[("2026-01-01", "8")]) });
    expect!["price book utc is in time zone UTC and the workspace in Europe/Moscow: they must be one"]
        .assert_eq(&world.refused(contract(Some("utc"), date(2026, 10, 2))));
    let usd = book("usd", "Europe/Moscow", &[("2026-01-01", "8")]).replace("RUB", "USD");
    world.operator(Act::CreateBook { text: usd });
    expect!["price book usd is in USD and the account in RUB: they must be one"]
        .assert_eq(&world.refused(contract(Some("usd"), date(2026, 10, 2))));
    world.operator(Act::CreateWorkspace(NewWorkspace { zone: text("UTC"), ..new_workspace(12, 1) }));
    world.operator(Act::CreateProject(new_project("abroad", 12)));
    expect!["book list is in time zone Europe/Moscow, the workspace of the project in UTC"]
        .assert_eq(&route(&world, "abroad", "2026-10-02T00:00:00Z"));
}

#[test]
fn an_event_without_a_source_or_a_project_goes_nowhere() {
    let world = World::inhabited();
    expect![[r#"there is no project "nothing": create it first"#]].assert_eq(&route(
        &world,
        "nothing",
        "2026-10-02T00:00:00Z",
    ));
    let at = instant("2026-10-02T00:00:00Z");
    let nowhere = world.directory.route("moon://", "acme", at).unwrap_err();
    expect![[r#"source "moon://" belongs to no provider at 2026-10-02T00:00:00Z: assign it"#]]
        .assert_eq(&nowhere.to_string());
    let acme = project("acme");
    assert!(world.directory.pricing(Emitter::Provider(provider(99)), &acme, at).is_none());
}
