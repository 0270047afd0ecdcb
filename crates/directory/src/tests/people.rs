use expect_test::expect;
use kopeck_ledger::name::Moment;

use crate::access::Principal;
use crate::act::{Act, NewProject, NewUser, NewWorkspace, ProjectChange, UserChange};
use crate::entity::{InstallationRole, PlanLimits, ProjectRole};
use crate::name::PlanId;
use crate::testing::{
    World, id, instant, member, new_project, new_user, new_workspace, plan, project, text, user,
};

#[test]
fn only_the_operator_makes_users_and_gives_them_roles() {
    let mut world = World::inhabited();
    expect!["this needs the permission `administer`"]
        .assert_eq(&world.refused_to(1, Act::CreateUser(new_user(9))));
    let roles = Some([InstallationRole::Operator].into());
    let change = UserChange { roles, ..UserChange::of(user(1)) };
    expect!["this needs the permission `administer`"]
        .assert_eq(&world.refused_to(1, Act::ChangeUser(change)));
    let name = Some(text("Anna"));
    world.user(1, Act::ChangeUser(UserChange { name, ..UserChange::of(user(1)) }));
}

#[test]
fn a_user_with_a_role_in_the_installation_has_it_everywhere() {
    let mut world = World::inhabited();
    let roles = [InstallationRole::Operator].into();
    world.operator(Act::CreateUser(NewUser { roles, ..new_user(9) }));
    world.user(9, Act::CreateUser(new_user(10)));
}

#[test]
fn an_id_is_taken_once() {
    let mut world = World::inhabited();
    expect!["user 00000000-0000-0000-0000-000000000001 exists already"]
        .assert_eq(&world.refused(Act::CreateUser(new_user(1))));
    expect!["workspace 00000000-0000-0000-0000-00000000000b exists already"]
        .assert_eq(&world.refused(Act::CreateWorkspace(new_workspace(11, 1))));
    expect!["project acme exists already"]
        .assert_eq(&world.refused(Act::CreateProject(new_project("acme", 11))));
}

#[test]
fn a_workspace_has_a_known_zone_and_its_owners_currency() {
    let mut world = World::inhabited();
    let zone = text("Europe/Moskva");
    expect!["time zone Europe/Moskva is not known: write an IANA name such as Europe/Moscow"]
        .assert_eq(&world.refused(Act::CreateWorkspace(NewWorkspace { zone, ..new_workspace(12, 1) })));
    let currency = "USD".parse().unwrap();
    expect!["the owner's account is in RUB and this one would be in USD: they must be one"]
        .assert_eq(&world.refused(Act::CreateWorkspace(NewWorkspace { currency, ..new_workspace(12, 1) })));
}

#[test]
fn a_user_makes_workspaces_and_projects_of_the_users_own() {
    let mut world = World::inhabited();
    world.user(2, Act::CreateWorkspace(new_workspace(12, 2)));
    world.user(2, Act::CreateProject(new_project("sandbox", 12)));
    let roles = world.directory.roles_in(user(2), &project("sandbox"));
    assert_eq!(roles, [ProjectRole::Payer, ProjectRole::Developer].into());
    expect!["there is no user 00000000-0000-0000-0000-000000000001"]
        .assert_eq(&world.refused_to(2, Act::CreateWorkspace(new_workspace(13, 1))));
    expect!["there is no workspace 00000000-0000-0000-0000-00000000000b"]
        .assert_eq(&world.refused_to(2, Act::CreateProject(new_project("guest", 11))));
}

#[test]
fn a_project_is_attached_to_exactly_one_workspace_at_any_instant() {
    let world = World::inhabited();
    for at in [Moment::FIRST, world.now, Moment::LAST] {
        assert_eq!(world.directory.payer("acme", at).map(|workspace| workspace.id.0), Some(id(11)));
    }
    assert!(world.directory.payer("nothing", world.now).is_none());
    let paid = world.directory.projects_paid_by(crate::name::WorkspaceId(id(11)), world.now);
    assert_eq!(paid.map(|project| project.id.to_string()).collect::<Vec<_>>(), ["acme"]);
}

#[test]
fn a_projects_acceptance_is_not_in_the_past_and_stays_once_it_has_come() {
    let mut world = World::inhabited();
    let accepted = Some(instant("2026-10-01T11:59:59Z"));
    expect!["2026-10-01T11:59:59Z has passed: it is 2026-10-01T12:00:00Z"]
        .assert_eq(&world.refused(Act::CreateProject(NewProject { accepted, ..new_project("p", 11) })));
    let accepted = Some(instant("2026-10-05T00:00:00Z"));
    world.operator(Act::CreateProject(NewProject { accepted, ..new_project("p", 11) }));
    let change = |at| ProjectChange { id: project("p"), name: None, accepted: Some(instant(at)) };
    world.user(1, Act::ChangeProject(change("2026-10-04T00:00:00Z")));
    world.now = instant("2026-10-04T00:00:00Z");
    expect!["the project is billed since 2026-10-04T00:00:00Z: its acceptance does not change any more"]
        .assert_eq(&world.refused_to(1, Act::ChangeProject(change("2026-10-06T00:00:00Z"))));
}

#[test]
fn members_are_the_payers_matter() {
    let mut world = World::inhabited();
    world.user(1, member("acme", 4, &[ProjectRole::Viewer]));
    expect!["this needs the permission `members`"]
        .assert_eq(&world.refused_to(2, member("acme", 4, &[ProjectRole::Payer])));
    world.user(1, member("acme", 4, &[]));
    expect!["there is no project acme"].assert_eq(&world.refused_to(4, member("acme", 4, &[])));
    expect!["there is no user 00000000-0000-0000-0000-000000000063"]
        .assert_eq(&world.refused_to(1, member("acme", 99, &[ProjectRole::Viewer])));
}

#[test]
fn saying_again_what_is_so_changes_nothing() {
    let mut world = World::inhabited();
    assert!(world.user(1, member("acme", 2, &[ProjectRole::Developer])).is_empty());
    assert!(world.user(1, member("acme", 4, &[])).is_empty());
    assert!(world.operator(Act::ChangeUser(UserChange::of(user(1)))).is_empty());
}

fn limited(projects: Option<u64>, members: Option<u64>) -> World {
    let mut world = World::inhabited();
    let limits = PlanLimits { projects, members, ..PlanLimits::default() };
    world.operator(Act::ChangePlan(PlanId(id(5)), plan("1.25", limits)));
    world
}

#[test]
fn a_plan_limits_the_projects_of_its_holder() {
    let mut world = limited(Some(2), None);
    world.user(1, Act::CreateProject(new_project("second", 11)));
    world.user(1, Act::CreateWorkspace(new_workspace(12, 1)));
    expect!["the plan of user 00000000-0000-0000-0000-000000000001 allows 2 projects, and 2 are there"]
        .assert_eq(&world.refused_to(1, Act::CreateProject(new_project("third", 12))));
}

#[test]
fn a_plan_limits_the_members_of_its_holders_projects_each_counted_once() {
    let mut world = limited(None, Some(2));
    world.operator(Act::CreateProject(new_project("second", 11)));
    world.user(1, member("second", 2, &[ProjectRole::Viewer]));
    expect!["the plan of user 00000000-0000-0000-0000-000000000001 allows 2 members, and 2 are there"]
        .assert_eq(&world.refused_to(1, member("second", 4, &[ProjectRole::Viewer])));
    world.user(1, member("acme", 3, &[]));
    world.user(1, member("second", 4, &[ProjectRole::Viewer]));
}

#[test]
fn accounts_follow_from_what_there_is_with_the_coefficient_of_the_owners_plan() {
    let mut world = World::inhabited();
    world.operator(Act::CreateExecutor(crate::testing::new_executor(30, 1)));
    let told: Vec<String> = world
        .directory
        .expected_accounts()
        .map(|account| format!("{} {} {}", account.kind, account.name, account.coefficient))
        .collect();
    expect![[r#"
        user user 1 1
        user user 2 1
        user user 3 1
        user user 4 1
        workspace workspace 11 1.25
        workspace workspace 14 1
        executor executor 1.25"#]]
    .assert_eq(&told.join("\n"));
}

#[test]
fn a_refusal_tells_strangers_nothing_about_what_exists() {
    let world = World::inhabited();
    let asked = |name: &str| {
        let change = ProjectChange { id: project(name), name: Some(text("x")), accepted: None };
        let by = Principal::User(user(4));
        world.directory.decide(&Act::ChangeProject(change), &by, world.now).unwrap_err().to_string()
    };
    assert_eq!(asked("acme"), asked("acne").replace("acne", "acme"));
}
