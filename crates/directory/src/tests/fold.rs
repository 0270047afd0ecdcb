//! What was decided makes the same state again, and what is refused leaves it as it was.

use std::fmt::Write;

use proptest::prelude::*;

use crate::access::{Permission, Principal};
use crate::act::{Act, Assignment, NewContract, NewProject, NewRole, NewToken, ProjectChange, UserChange};
use crate::change::{Change, Entity};
use crate::directory::Directory;
use crate::entity::{
    ExecutorState, InstallationRole, Pattern, PlanLimits, ProjectRole, RoleEntry, RoleTerms, Scope,
};
use crate::name::{ApiId, ExecutorId, GrantId, KeyId, PlanId, RoleId, SecretHash, TokenId};
use crate::testing::{
    OPERATOR, World, book, book_id, id, member, new_api, new_executor, new_project, new_storage, new_user,
    new_workspace, plan, project, provider, provider_terms, text, user, version,
};

/// Everything that there is, in words.
fn told(directory: &Directory) -> String {
    let mut all = String::new();
    macro_rules! tell {
        ($($table:ident),+) => {$(
            for (key, value) in directory.$table().after(None) {
                writeln!(all, "{key:?} {value:?}").unwrap();
            }
        )+};
    }
    tell!(users, workspaces, projects, members, plans, providers, exact_sources, prefix_sources, contracts);
    tell!(executors, storages, apis, keys, roles, grants, tokens);
    for shelf in directory.shelves(None) {
        writeln!(all, "{:?} {:?}", shelf.book, shelf.versions).unwrap();
    }
    all
}

fn any_role() -> impl Strategy<Value = ProjectRole> {
    prop_oneof![
        Just(ProjectRole::Payer),
        Just(ProjectRole::Developer),
        Just(ProjectRole::Viewer),
        (60..63_u128).prop_map(|number| ProjectRole::Custom(RoleId(id(number)))),
    ]
}

fn any_project() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("acme"), Just("other"), Just("third"), Just("none")]
}

fn any_person() -> impl Strategy<Value = Act> {
    let users = 1..7_u128;
    prop_oneof![
        users.clone().prop_map(|number| Act::CreateUser(new_user(number))),
        (users.clone(), any::<bool>()).prop_map(|(number, active)| {
            Act::ChangeUser(UserChange { active: Some(active), ..UserChange::of(user(number)) })
        }),
        (11..16_u128, users.clone())
            .prop_map(|(number, owner)| Act::CreateWorkspace(new_workspace(number, owner))),
        (any_project(), 11..16_u128).prop_map(|(name, workspace)| {
            Act::CreateProject(NewProject { name: text("a"), ..new_project(name, workspace) })
        }),
        any_project().prop_map(|name| {
            Act::ChangeProject(ProjectChange { id: project(name), name: Some(text("b")), accepted: None })
        }),
        (any_project(), users, prop::collection::vec(any_role(), 0..3))
            .prop_map(|(name, number, roles)| member(name, number, &roles)),
        (0..4_u64).prop_map(|projects| {
            let limits = PlanLimits { projects: Some(projects), members: Some(3), ..PlanLimits::default() };
            Act::ChangePlan(PlanId(id(5)), plan("1.5", limits))
        }),
    ]
}

fn any_market() -> impl Strategy<Value = Act> {
    let dates = prop_oneof![Just("2026-09-01"), Just("2026-10-05"), Just("2026-11-10"), Just("2026-12-01")];
    prop_oneof![
        (20..23_u128).prop_map(|number| Act::CreateProvider(provider(number), provider_terms("list"))),
        ("[ab]{1,3}", any::<bool>(), 20..23_u128, prop::option::of(0..1_000_000_i64)).prop_map(
            |(name, prefix, of, ahead)| {
                let now = crate::testing::instant("2026-10-01T12:00:00Z").nanoseconds();
                let ahead = ahead.map(|seconds| now + (seconds - 1_000) * 1_000_000_000);
                let from = ahead.map(|at| kopeck_ledger::name::Moment::from_nanoseconds(at).unwrap());
                let pattern = Pattern { text: text(&name), prefix };
                Act::AssignSource(Assignment { pattern, provider: provider(of), from })
            }
        ),
        (dates, 1..20_u32).prop_map(|(date, price)| Act::AnnounceVersion {
            book: book_id("list"),
            text: version(date, &price.to_string()),
        }),
        (any::<bool>(), any_project(), 1..60_i8).prop_map(|(own, name, ahead)| {
            let from = jiff::civil::date(2026, 10, 1) + jiff::Span::new().days(i64::from(ahead));
            let book = own.then(|| book_id("deal"));
            Act::SetContract(NewContract { project: project(name), provider: provider(20), book, from })
        }),
        (30..33_u128, 1..5_u128).prop_map(|(number, owner)| Act::CreateExecutor(new_executor(number, owner))),
        (30..33_u128, any::<bool>()).prop_map(|(number, active)| {
            let state = if active { ExecutorState::Active } else { ExecutorState::Suspended };
            Act::ChangeExecutor(ExecutorId(id(number)), None, Some(state))
        }),
        (33..35_u128, 1..5_u128).prop_map(|(number, owner)| Act::CreateStorage(new_storage(number, owner))),
    ]
}

fn any_asked() -> impl Strategy<Value = Act> {
    let keys = (50..54_u128).prop_map(|number| KeyId(id(number)));
    let grants = (70..74_u128).prop_map(|number| GrantId(id(number)));
    prop_oneof![
        (40..42_u128, any_project()).prop_map(|(number, name)| Act::CreateApi(new_api(number, name))),
        (keys.clone(), 40..42_u128, 1..5_u128).prop_map(|(id_of, api, number)| Act::RequestKey {
            id: id_of,
            api: ApiId(id(api)),
            user: user(number),
            purpose: text("study"),
        }),
        (keys.clone(), any::<bool>()).prop_map(|(id, approve)| Act::DecideKey { id, approve }),
        (keys.clone(), "[a-d]")
            .prop_map(|(id, text)| Act::SetKeySecret { id, secret: SecretHash::of(&text) }),
        keys.prop_map(Act::RevokeKey),
        (60..63_u128, any_project(), any::<bool>()).prop_map(|(number, name, paid)| {
            let entry = if paid { RoleEntry::Paid } else { RoleEntry::Given };
            let permissions = [Permission::Read].into();
            let terms = RoleTerms { name: text("r"), permissions, coefficient: "2".parse().unwrap(), entry };
            Act::CreateRole(NewRole { id: RoleId(id(number)), project: project(name), terms })
        }),
        (grants.clone(), 60..63_u128, 1..5_u128).prop_map(|(id_of, role, number)| Act::RequestRole {
            id: id_of,
            role: RoleId(id(role)),
            user: user(number),
        }),
        (grants.clone(), any::<bool>()).prop_map(|(id, approve)| Act::DecideRole { id, approve }),
        grants.prop_map(Act::RevokeRole),
        (80..84_u128, any_project(), any_role()).prop_map(|(number, name, role)| {
            let scope = Scope::Project { project: project(name), role };
            let secret = SecretHash::of(&number.to_string());
            Act::IssueToken(NewToken {
                id: TokenId(id(number)),
                name: text("t"),
                secret,
                scope,
                expires: None,
            })
        }),
        (80..84_u128).prop_map(|number| Act::RevokeToken(TokenId(id(number)))),
    ]
}

fn any_principal() -> impl Strategy<Value = Principal> {
    prop_oneof![
        3 => Just(OPERATOR),
        1 => Just(Principal::Installation(InstallationRole::Accountant)),
        3 => (1..6_u128).prop_map(|number| Principal::User(user(number))),
        1 => (any_project(), any_role())
            .prop_map(|(name, role)| Principal::Project { project: project(name), role }),
        1 => Just(Principal::Anyone),
    ]
}

fn any_acts() -> impl Strategy<Value = Vec<(Principal, Act)>> {
    let act = prop_oneof![any_person(), any_market(), any_asked()];
    prop::collection::vec((any_principal(), act), 1..60)
}

/// What a store keeps of a change, and reads again.
fn stored_and_read(change: &Change) -> Vec<Entity> {
    let after: Vec<&Entity> = change.edits.iter().map(|edit| &edit.after).collect();
    serde_json::from_str(&serde_json::to_string(&after).unwrap()).unwrap()
}

proptest! {
    #[test]
    fn what_was_decided_makes_the_same_state_again(acts in any_acts()) {
        let mut world = World::inhabited();
        world.operator(Act::CreateBook { text: book("deal", "Europe/Moscow", &[("2026-01-01", "11")]) });
        let mut again = world.directory.clone();
        for (by, act) in acts {
            let before = told(&world.directory);
            match world.directory.decide(&act, &by, world.now) {
                Ok(change) => {
                    for edit in &change.edits {
                        prop_assert_eq!(&world.directory.current(&edit.after), &edit.before);
                    }
                    world.directory.apply(&change);
                    stored_and_read(&change).into_iter().for_each(|entity| again.put(entity));
                    prop_assert_eq!(told(&again), told(&world.directory));
                    prop_assert_eq!(change.is_empty(), told(&world.directory) == before);
                }
                Err(_) => prop_assert_eq!(told(&world.directory), before),
            }
        }
        for shelf in world.directory.shelves(None) {
            prop_assert!(shelf.prices().is_some(), "{}", shelf.text());
        }
    }

    #[test]
    fn an_act_that_succeeded_is_not_done_twice(acts in any_acts()) {
        let mut world = World::inhabited();
        world.operator(Act::CreateBook { text: book("deal", "Europe/Moscow", &[("2026-01-01", "11")]) });
        for (by, act) in acts {
            if world.act(&by, act.clone()).is_err() {
                continue;
            }
            let before = told(&world.directory);
            // Either it is refused now, or it finds everything as it should be.
            let _ = world.act(&by, act);
            prop_assert_eq!(told(&world.directory), before);
        }
    }
}
