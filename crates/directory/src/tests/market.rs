use expect_test::expect;

use crate::access::Principal;
use crate::act::{Act, Assignment, NewExecutor, NewPrices, NewStorage, OwnPrices, ProviderTerms, UserChange};
use crate::entity::{Emitter, ExecutorState, Pattern};
use crate::name::{ExecutorId, StorageId};
use crate::testing::{
    ACCOUNTANT, World, book, executor_prices, id, instant, new_executor, new_storage, plan, price, provider,
    provider_terms, sources, text, user,
};

fn emitter(world: &World, source: &str, at: &str) -> String {
    match world.directory.emitter(source, instant(at)) {
        Some(Emitter::Provider(id)) => format!("provider {}", id.0.as_u128()),
        Some(Emitter::Executor(id)) => format!("executor {}", id.0.as_u128()),
        Some(other) => format!("{other:?}"),
        None => "nobody".to_owned(),
    }
}

/// Two providers: 20 with `cloud://`, 21 without a source.
fn two_providers() -> World {
    let mut world = World::inhabited();
    world.operator(Act::CreateProvider(provider(21), provider_terms("list")));
    world
}

const NOW: &str = "2026-10-01T12:00:00Z";
const LATER: &str = "2026-10-02T00:00:00Z";

#[test]
fn a_source_that_nobody_has_is_a_providers_since_ever() {
    let world = World::inhabited();
    assert_eq!(emitter(&world, "cloud://msk-1", "1990-01-01T00:00:00Z"), "provider 20");
    assert_eq!(emitter(&world, "cloud:/", NOW), "nobody");
    assert_eq!(emitter(&world, "", NOW), "nobody");
}

#[test]
fn a_source_changes_hands_from_a_future_instant_only() {
    let mut world = two_providers();
    expect!["2026-10-01T12:00:00Z is not ahead of now, 2026-10-01T12:00:00Z"]
        .assert_eq(&world.refused(Act::AssignSource(sources("cloud://", 21, Some(NOW)))));
    expect!["2026-10-01T12:00:00Z is not ahead of now, 2026-10-01T12:00:00Z"]
        .assert_eq(&world.refused(Act::AssignSource(sources("cloud://", 21, None))));
    world.operator(Act::AssignSource(sources("cloud://", 21, Some(LATER))));
    assert_eq!(emitter(&world, "cloud://x", "2026-10-01T23:59:59Z"), "provider 20");
    assert_eq!(emitter(&world, "cloud://x", LATER), "provider 21");
}

#[test]
fn a_longer_beginning_wins_and_a_whole_name_wins_over_all() {
    let mut world = two_providers();
    world.operator(Act::AssignSource(sources("cloud://spb", 21, Some(LATER))));
    let pattern = Pattern { text: text("cloud://spb-1"), prefix: false };
    world.operator(Act::AssignSource(Assignment {
        pattern,
        provider: provider(20),
        from: Some(instant("2026-10-03T00:00:00Z")),
    }));
    let at = "2026-10-04T00:00:00Z";
    assert_eq!(emitter(&world, "cloud://spb-1", LATER), "provider 21");
    assert_eq!(emitter(&world, "cloud://spb-1", at), "provider 20");
    assert_eq!(emitter(&world, "cloud://spb-12", at), "provider 21");
    assert_eq!(emitter(&world, "cloud://spa", at), "provider 20");
    assert_eq!(emitter(&world, "cloud://spb", NOW), "provider 20");
}

#[test]
fn a_beginning_that_is_part_of_anothers_is_taken_from_a_future_instant_only() {
    let mut world = two_providers();
    expect!["2026-10-01T12:00:00Z is not ahead of now, 2026-10-01T12:00:00Z"]
        .assert_eq(&world.refused(Act::AssignSource(sources("cloud://msk", 21, None))));
    // Part of its own is its own already.
    world.operator(Act::AssignSource(sources("cloud://msk", 20, None)));
}

#[test]
fn patterns_that_share_their_beginnings_are_all_found() {
    let mut world = two_providers();
    for beginning in ["s", "stor", "storage://a", "storage://ab/c"] {
        world.operator(Act::AssignSource(sources(beginning, 21, None)));
    }
    for (source, found) in [
        ("s", 1),
        ("sz", 1),
        ("stor", 2),
        ("storage://", 2),
        ("storage://ab/d", 3),
        ("storage://ab/c", 4),
        ("storage://ab/cd", 4),
        ("r", 0),
        ("стор", 0),
    ] {
        assert_eq!(world.directory.prefixes_of(source).count(), found, "{source}");
    }
}

#[test]
fn a_provider_keeps_its_book_and_the_book_is_the_operators() {
    let mut world = World::inhabited();
    expect!["there is no price book none"]
        .assert_eq(&world.refused(Act::CreateProvider(provider(22), provider_terms("none"))));
    world.operator(Act::CreateBook { text: book("second", "Europe/Moscow", &[("2026-01-01", "1")]) });
    expect!["a provider keeps its price book list: announce a version of it, or agree contracts"]
        .assert_eq(&world.refused(Act::ChangeProvider(provider(20), provider_terms("second"))));
    let terms = ProviderTerms { delay_s: 5, ..provider_terms("list") };
    world.operator(Act::ChangeProvider(provider(20), terms));
    world.operator(Act::CreateExecutor(new_executor(30, 1)));
    let own = format!("executor-{}", id(30));
    expect!["price book executor-00000000-0000-0000-0000-00000000001e is not the operator's"]
        .assert_eq(&world.refused(Act::CreateProvider(provider(22), provider_terms(&own))));
}

#[test]
fn a_plan_says_who_may_add_executors_and_storages() {
    let mut world = World::inhabited();
    world.user(1, Act::CreateExecutor(new_executor(30, 1)));
    world.user(1, Act::CreateStorage(new_storage(31, 1)));
    expect!["the plan of user 00000000-0000-0000-0000-000000000002 does not allow to add executors"]
        .assert_eq(&world.refused_to(2, Act::CreateExecutor(new_executor(32, 2))));
    let mut terms = plan("1.25", crate::entity::PlanLimits::default());
    terms.storages = false;
    world.operator(Act::ChangePlan(crate::name::PlanId(id(5)), terms));
    expect!["the plan of user 00000000-0000-0000-0000-000000000001 does not allow to add storages"]
        .assert_eq(&world.refused_to(1, Act::CreateStorage(new_storage(33, 1))));
}

#[test]
fn a_partners_source_is_of_its_kind_and_nobody_elses() {
    let mut world = World::inhabited();
    world.user(1, Act::CreateExecutor(new_executor(30, 1)));
    let like = |source: &str| NewExecutor { source: text(source), ..new_executor(32, 1) };
    expect!["source executor://30 exists already"]
        .assert_eq(&world.refused_to(1, Act::CreateExecutor(like("executor://30"))));
    expect!["source cloud://32 would have to begin with executor://"]
        .assert_eq(&world.refused_to(1, Act::CreateExecutor(like("cloud://32"))));
    let pattern = Pattern { text: text("executor://30"), prefix: false };
    let from = Some(instant(LATER));
    let taken = Assignment { pattern, provider: provider(20), from };
    expect!["source executor://30 exists already"].assert_eq(&world.refused(Act::AssignSource(taken)));
}

#[test]
fn an_owner_suspends_an_executor_and_the_operator_disables_it() {
    let mut world = World::inhabited();
    world.user(1, Act::CreateExecutor(new_executor(30, 1)));
    let change = |state| Act::ChangeExecutor(ExecutorId(id(30)), None, Some(state));
    world.user(1, change(ExecutorState::Suspended));
    world.user(1, change(ExecutorState::Active));
    expect!["this needs the permission `administer`"]
        .assert_eq(&world.refused_to(1, change(ExecutorState::Disabled)));
    world.operator(change(ExecutorState::Disabled));
    expect!["this needs the permission `administer`"]
        .assert_eq(&world.refused_to(1, change(ExecutorState::Active)));
    expect!["there is no executor 00000000-0000-0000-0000-00000000001e"]
        .assert_eq(&world.refused_to(4, change(ExecutorState::Active)));
    world.operator(change(ExecutorState::Active));
}

#[test]
fn a_partner_of_an_owner_who_is_not_active_is_not_added() {
    let mut world = World::inhabited();
    world.operator(Act::ChangeUser(UserChange { active: Some(false), ..UserChange::of(user(1)) }));
    expect!["user 00000000-0000-0000-0000-000000000001 is not active"]
        .assert_eq(&world.refused(Act::CreateStorage(new_storage(33, 1))));
}

fn prices_at(world: &World, emitter: Emitter, at: &str) -> String {
    let prices = world.directory.own_prices(emitter, instant(at)).unwrap();
    match prices {
        OwnPrices::Executor(prices) => prices.job.to_string(),
        OwnPrices::Storage(price) | OwnPrices::Api(price) => price.to_string(),
    }
}

#[test]
fn partners_prices_fall_tomorrow_and_rise_after_thirty_days() {
    let mut world = World::inhabited();
    world.user(1, Act::CreateExecutor(new_executor(30, 1)));
    let executor = Emitter::Executor(ExecutorId(id(30)));
    let set = |job: &str| {
        let prices = OwnPrices::Executor(executor_prices(job));
        Act::SetPrices(NewPrices { emitter: executor, prices, effective: None })
    };
    assert_eq!(prices_at(&world, executor, NOW), "0.5");
    world.user(1, set("0.4"));
    assert_eq!(prices_at(&world, executor, "2026-10-01T20:59:59Z"), "0.5");
    assert_eq!(prices_at(&world, executor, "2026-10-01T21:00:00Z"), "0.4");
    world.user(1, set("0.6"));
    assert_eq!(prices_at(&world, executor, "2026-10-30T20:59:59Z"), "0.4");
    assert_eq!(prices_at(&world, executor, "2026-10-30T21:00:00Z"), "0.6");
    expect!["there is no executor 00000000-0000-0000-0000-00000000001e"]
        .assert_eq(&world.refused_to(4, set("0.1")));
    assert!(world.act(&ACCOUNTANT, set("0.1")).unwrap_err().to_string().contains("`own`"));
}

#[test]
fn partners_prices_are_those_of_their_kind_and_on_a_date_that_is_given_or_refused() {
    let mut world = World::inhabited();
    let storage = NewStorage { price: price("0.1"), ..new_storage(31, 1) };
    world.user(1, Act::CreateStorage(storage));
    let emitter = Emitter::Storage(StorageId(id(31)));
    let prices = OwnPrices::Api(price("1"));
    expect!["these prices are not those of storage"]
        .assert_eq(&world.refused_to(1, Act::SetPrices(NewPrices { emitter, prices, effective: None })));
    let prices = OwnPrices::Storage(price("0.2"));
    let effective = Some(jiff::civil::date(2026, 10, 15));
    let early = NewPrices { emitter, prices, effective };
    expect!["version 2026-10-15 has 14 days' notice and 30 are required: the earliest effective date is 2026-10-31"]
        .assert_eq(&world.refused_to(1, Act::SetPrices(early)));
    let effective = Some(jiff::civil::date(2026, 10, 31));
    world.user(1, Act::SetPrices(NewPrices { emitter, prices, effective }));
    assert_eq!(prices_at(&world, emitter, NOW), "0.1");
}

#[test]
fn only_who_may_see_an_executor_learns_that_it_exists() {
    let mut world = World::inhabited();
    world.user(1, Act::CreateExecutor(new_executor(30, 1)));
    let change = Act::ChangeExecutor(ExecutorId(id(30)), Some(text("x")), None);
    let strangers = [Principal::User(user(4)), Principal::Anyone];
    for by in strangers {
        let refusal = world.directory.decide(&change, &by, world.now).unwrap_err();
        assert_eq!(refusal.to_string(), format!("there is no executor {}", id(30)));
    }
}
