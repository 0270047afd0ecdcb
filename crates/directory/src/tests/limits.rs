use expect_test::expect;
use kopeck_guard::limit::{Action, ActionPlan, Brake, Over, Scope, Threshold};

use crate::act::{Act, NewLimit};
use crate::limit::{Fastest, Holder, LimitKey, LimitTerms, StopOrder, StopRules};
use crate::name::WorkspaceId;
use crate::testing::{World, id, instant, project, text};

fn acme() -> Holder {
    Holder::Project(project("acme"))
}

fn wallet_of(number: u128) -> Holder {
    Holder::Workspace(WorkspaceId(id(number)))
}

fn set(holder: Holder, terms: LimitTerms) -> Act {
    let currency = "RUB".parse().unwrap();
    Act::SetLimit(NewLimit { holder, terms, currency, until: None })
}

fn cap(amount: &str) -> LimitTerms {
    LimitTerms::Cap { over: Over::Month, amount: amount.parse().unwrap() }
}

fn quota(amount: &str, plan: ActionPlan) -> LimitTerms {
    LimitTerms::Quota {
        scope: Scope::Kind("vm".to_owned()),
        amount: amount.parse().unwrap(),
        plan,
        enabled: true,
    }
}

#[test]
fn a_developer_lowers_what_was_set_and_nothing_else() {
    let mut world = World::inhabited();
    let needs_limits = "this needs the permission `limits`";
    assert_eq!(world.refused_to(2, set(acme(), cap("100"))), needs_limits);
    world.user(1, set(acme(), cap("100")));
    world.user(1, set(acme(), quota("50", ActionPlan::default())));
    world.user(2, set(acme(), cap("80")));
    world.user(2, set(acme(), quota("40", ActionPlan::default())));
    assert_eq!(world.refused_to(2, set(acme(), cap("80.000001"))), needs_limits);
    assert_eq!(world.refused_to(2, set(acme(), quota("40", ActionPlan::of_cap()))), needs_limits);
    assert_eq!(world.refused_to(2, Act::RemoveLimit(acme(), LimitKey::Cap(Over::Month))), needs_limits);
    let until = Some(instant("2026-10-02T00:00:00Z"));
    let shorter = NewLimit { holder: acme(), terms: cap("70"), currency: "RUB".parse().unwrap(), until };
    assert_eq!(world.refused_to(2, Act::SetLimit(shorter)), needs_limits);
    // Nor may who only reads, and for a stranger there is no such project.
    expect!["this needs the permission `lower_limits`"]
        .assert_eq(&world.refused_to(3, set(acme(), cap("10"))));
    expect!["there is no project acme"].assert_eq(&world.refused_to(4, set(acme(), cap("10"))));
    world.user(1, Act::RemoveLimit(acme(), LimitKey::Cap(Over::Month)));
    assert_eq!(world.refused_to(2, set(acme(), cap("10"))), needs_limits);
}

#[test]
fn a_limit_says_who_set_it_and_when_and_setting_it_again_changes_nothing() {
    let mut world = World::inhabited();
    world.user(1, set(acme(), cap("100")));
    let at = world.now;
    let again = world.user(1, set(acme(), cap("100")));
    assert!(again.is_empty());
    let limits: Vec<_> = world.directory.limits_on(&acme(), at).collect();
    let [(key, limit)] = limits[..] else { panic!("{limits:?}") };
    assert_eq!((key.to_string().as_str(), limit.set), ("cap:month", at));
    assert_eq!(limit.set_by.as_str(), "00000000-0000-0000-0000-000000000001");
    world.user(1, Act::RemoveLimit(acme(), LimitKey::Cap(Over::Month)));
    assert_eq!(world.directory.limits_on(&acme(), at).count(), 0);
    expect!["there is no limit rate"]
        .assert_eq(&world.refused_to(1, Act::RemoveLimit(acme(), LimitKey::Rate)));
}

#[test]
fn a_limit_that_makes_no_sense_is_refused() {
    let mut world = World::inhabited();
    expect!["a limit of 0.000000 leaves nothing to spend"].assert_eq(&world.refused(set(acme(), cap("0"))));
    expect!["a limit of -1.000000 leaves nothing to spend"].assert_eq(&world.refused(set(acme(), cap("-1"))));
    expect!["a limit of 18446744073709.551616 is more than the largest amount, 18446744073709.551615"]
        .assert_eq(&world.refused(set(acme(), cap("18446744073709.551616"))));
    let dollars = NewLimit { holder: acme(), terms: cap("1"), currency: "USD".parse().unwrap(), until: None };
    expect!["the workspace pays in RUB, and the limit is in USD: they must be one"]
        .assert_eq(&world.refused(Act::SetLimit(dollars)));
    let until = Some(world.now);
    let past = NewLimit { holder: acme(), terms: cap("1"), currency: "RUB".parse().unwrap(), until };
    expect!["2026-10-01T12:00:00Z is not ahead of now, 2026-10-01T12:00:00Z"]
        .assert_eq(&world.refused(Act::SetLimit(past)));
    let none = LimitTerms::Rate { fastest: Fastest::HundredthsOfMedian(0), brake: Brake::Stop };
    expect!["zero times the median stops everything: name a factor above 0"]
        .assert_eq(&world.refused(set(acme(), none)));
    expect!["a horizon of 31622401 s is longer than 31622400 s"]
        .assert_eq(&world.refused(set(wallet_of(11), LimitTerms::Wallet { horizon_s: 31_622_401 })));
    expect![
        "`wallet` is not set here: a wallet is a workspace's, a quota and a rate are a project's, a cap is either's"
    ]
    .assert_eq(&world.refused(set(acme(), LimitTerms::Wallet { horizon_s: 0 })));
    expect!["there is no project nothing"]
        .assert_eq(&world.refused(set(Holder::Project(project("nothing")), cap("1"))));
    expect!["there is no workspace 00000000-0000-0000-0000-00000000000c"]
        .assert_eq(&world.refused(set(wallet_of(12), cap("1"))));
}

#[test]
fn limits_of_a_payer_are_set_by_the_payer_and_the_operator() {
    let mut world = World::inhabited();
    world.user(1, set(wallet_of(11), LimitTerms::Wallet { horizon_s: 604_800 }));
    world.operator(set(wallet_of(11), cap("1000")));
    assert_eq!(world.directory.limits_on(&wallet_of(11), world.now).count(), 2);
    expect!["there is no workspace 00000000-0000-0000-0000-00000000000b"]
        .assert_eq(&world.refused_to(2, set(wallet_of(11), cap("1"))));
}

#[test]
fn who_develops_says_what_is_stopped_last() {
    let mut world = World::inhabited();
    let protected = [(text("cloud://msk-1"), text("db"))].into();
    let rules = StopRules { project: project("acme"), order: StopOrder::OldestFirst, protected };
    world.user(2, Act::SetStopRules(rules.clone()));
    assert_eq!(world.directory.stop_rules().get("acme").map(AsRef::as_ref), Some(&rules));
    expect!["this needs the permission `resources`"]
        .assert_eq(&world.refused_to(3, Act::SetStopRules(rules.clone())));
    let other = StopRules { project: project("other"), ..rules };
    expect!["there is no project other"].assert_eq(&world.refused_to(2, Act::SetStopRules(other)));
}

#[test]
fn what_was_decided_of_limits_is_read_back_as_it_was() {
    let mut world = World::inhabited();
    let plan = vec![Threshold { percent: 90, action: Action::AskApproval }];
    let acts = [
        set(acme(), quota("12.5", ActionPlan::new(plan).unwrap())),
        set(acme(), LimitTerms::Rate { fastest: Fastest::HundredthsOfMedian(300), brake: Brake::Warn }),
        set(wallet_of(11), LimitTerms::Wallet { horizon_s: 3_600 }),
        Act::RemoveLimit(acme(), LimitKey::Rate),
    ];
    for act in acts {
        for edit in world.operator(act).edits {
            let written = serde_json::to_string(&edit.after).unwrap();
            assert_eq!(
                serde_json::from_str::<crate::change::Entity>(&written).unwrap(),
                edit.after,
                "{written}"
            );
        }
    }
}
