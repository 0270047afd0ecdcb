use expect_test::expect;

use crate::access::{Permission, Principal, Target};
use crate::act::{Act, ApiChange, NewRole};
use crate::entity::{ProjectRole, RoleEntry, RoleTerms, Standing};
use crate::name::{ApiId, GrantId, KeyId, RoleId, SecretHash};
use crate::testing::{OPERATOR, World, id, member, new_api, project, text, user};

const KEY: KeyId = KeyId(uuid::Uuid::from_u128(50));
const ROLE: RoleId = RoleId(uuid::Uuid::from_u128(60));
const GRANT: GrantId = GrantId(uuid::Uuid::from_u128(61));

/// Project `acme` offers API 40; user 4, a stranger to it, has asked for key 50.
fn asked_for_key() -> World {
    let mut world = World::inhabited();
    world.user(2, Act::CreateApi(new_api(40, "acme")));
    world.user(4, request(KEY, 4));
    world
}

fn request(key: KeyId, number: u128) -> Act {
    Act::RequestKey { id: key, api: ApiId(id(40)), user: user(number), purpose: text("study") }
}

fn secret(text: &str) -> Act {
    Act::SetKeySecret { id: KEY, secret: SecretHash::of(text) }
}

#[test]
fn a_key_is_asked_for_approved_fetched_once_and_revoked() {
    let mut world = asked_for_key();
    let hash = SecretHash::of("kpk_1");
    expect!["API key 00000000-0000-0000-0000-000000000032 is requested, and would have to be approved"]
        .assert_eq(&world.refused_to(4, secret("kpk_1")));
    world.user(2, Act::DecideKey { id: KEY, approve: true });
    world.user(4, secret("kpk_1"));
    assert_eq!(world.directory.key(&hash).map(|key| key.user), Some(user(4)));
    expect![
        "the secret of API key 00000000-0000-0000-0000-000000000032 was fetched already: ask for a new key"
    ]
    .assert_eq(&world.refused_to(4, secret("kpk_2")));
    world.user(2, Act::RevokeKey(KEY));
    assert!(world.directory.key(&hash).is_none());
    expect!["API key 00000000-0000-0000-0000-000000000032 is revoked, and would have to be approved"]
        .assert_eq(&world.refused_to(2, Act::RevokeKey(KEY)));
}

#[test]
fn a_refused_key_stays_refused_and_another_may_be_asked_for() {
    let mut world = asked_for_key();
    world.user(2, Act::DecideKey { id: KEY, approve: false });
    expect!["API key 00000000-0000-0000-0000-000000000032 is refused, and would have to be requested"]
        .assert_eq(&world.refused_to(2, Act::DecideKey { id: KEY, approve: true }));
    world.user(4, request(KeyId(id(51)), 4));
}

#[test]
fn a_user_has_one_open_request_for_a_purpose() {
    let mut world = asked_for_key();
    expect!["API key 00000000-0000-0000-0000-000000000032 of this user is requested already"]
        .assert_eq(&world.refused_to(4, request(KeyId(id(51)), 4)));
}

#[test]
fn the_user_withdraws_but_does_not_approve() {
    let mut world = asked_for_key();
    expect!["this needs the permission `keys`"]
        .assert_eq(&world.refused_to(4, Act::DecideKey { id: KEY, approve: true }));
    world.user(4, Act::RevokeKey(KEY));
    let key = world.directory.keys().get(&KEY).unwrap();
    assert_eq!(key.asked.standing, Standing::Revoked);
}

#[test]
fn a_key_is_unknown_to_all_others() {
    let mut world = asked_for_key();
    for act in [Act::DecideKey { id: KEY, approve: true }, Act::RevokeKey(KEY), secret("x")] {
        assert_eq!(
            world.act(&Principal::Anyone, act).unwrap_err().to_string(),
            format!("there is no API key {KEY}")
        );
    }
    expect!["this needs the permission `keys`"].assert_eq(&world.refused_to(3, Act::RevokeKey(KEY)));
}

#[test]
fn nobody_but_its_user_fetches_a_secret() {
    let mut world = asked_for_key();
    world.user(2, Act::DecideKey { id: KEY, approve: true });
    for by in [OPERATOR, Principal::User(user(2))] {
        assert!(world.act(&by, secret("x")).unwrap_err().to_string().contains("`own`"));
    }
}

#[test]
fn a_request_names_an_open_api_and_one_of_its_purposes() {
    let mut world = asked_for_key();
    let purpose = text("mining");
    let act = Act::RequestKey { id: KeyId(id(51)), api: ApiId(id(40)), user: user(3), purpose };
    expect!["`mining` is not a purpose of this API"].assert_eq(&world.refused_to(3, act));
    let change = ApiChange { id: ApiId(id(40)), name: None, purposes: None, limits: None, open: Some(false) };
    world.user(2, Act::ChangeApi(change));
    expect!["the API takes no requests for keys now"]
        .assert_eq(&world.refused_to(3, request(KeyId(id(51)), 3)));
    expect!["there is no user 00000000-0000-0000-0000-000000000003"]
        .assert_eq(&world.refused_to(4, request(KeyId(id(51)), 3)));
}

fn terms(permissions: &[Permission], entry: RoleEntry) -> RoleTerms {
    RoleTerms {
        name: text("role"),
        permissions: permissions.iter().copied().collect(),
        coefficient: "1.5".parse().unwrap(),
        entry,
    }
}

fn create_role(permissions: &[Permission], entry: RoleEntry) -> Act {
    Act::CreateRole(NewRole { id: ROLE, project: project("acme"), terms: terms(permissions, entry) })
}

#[test]
fn a_role_has_what_a_developer_may_and_a_public_one_only_reads() {
    let mut world = World::inhabited();
    expect!["`money` can not be part of a role; what can: read, lower_limits, resources, authorise, estimate, keys"]
        .assert_eq(&world.refused_to(1, create_role(&[Permission::Money], RoleEntry::Given)));
    expect!["a public role may only `read`, not `authorise`"]
        .assert_eq(&world.refused_to(1, create_role(&[Permission::Authorise], RoleEntry::Public)));
    expect!["this needs the permission `members`"]
        .assert_eq(&world.refused_to(2, create_role(&[Permission::Read], RoleEntry::Given)));
}

#[test]
fn a_role_of_the_project_is_given_to_members_and_gives_what_it_says() {
    let mut world = World::inhabited();
    world.user(1, create_role(&[Permission::Read, Permission::Authorise], RoleEntry::Given));
    world.user(1, member("acme", 4, &[ProjectRole::Custom(ROLE)]));
    let (by, acme) = (Principal::User(user(4)), project("acme"));
    let may = |world: &World, what| world.directory.may(&by, what, Target::Project(&acme));
    assert!(may(&world, Permission::Authorise) && !may(&world, Permission::Keys));
    world.user(1, Act::ChangeRole(ROLE, None, Some(false)));
    assert!(!may(&world, Permission::Authorise));
    expect!["role 00000000-0000-0000-0000-00000000003c is not active"]
        .assert_eq(&world.refused_to(1, member("acme", 2, &[ProjectRole::Custom(ROLE)])));
    expect!["there is no role 00000000-0000-0000-0000-00000000003c"]
        .assert_eq(&world.refused_to(4, member("other", 2, &[ProjectRole::Custom(ROLE)])));
}

#[test]
fn a_paid_role_is_asked_for_approved_and_revoked() {
    let mut world = World::inhabited();
    world.user(1, create_role(&[Permission::Read, Permission::Authorise], RoleEntry::Paid));
    expect!["role 00000000-0000-0000-0000-00000000003c can not be come to so: only such a role is given to members"]
        .assert_eq(&world.refused_to(1, member("acme", 4, &[ProjectRole::Custom(ROLE)])));
    let ask = Act::RequestRole { id: GRANT, role: ROLE, user: user(4) };
    world.user(4, ask.clone());
    let acme = project("acme");
    let may = |world: &World| {
        world.directory.may(&Principal::User(user(4)), Permission::Authorise, Target::Project(&acme))
    };
    assert!(!may(&world));
    expect!["this needs the permission `members`"]
        .assert_eq(&world.refused_to(4, Act::DecideRole { id: GRANT, approve: true }));
    world.user(1, Act::DecideRole { id: GRANT, approve: true });
    assert!(may(&world));
    let again = Act::RequestRole { id: GrantId(id(62)), role: ROLE, user: user(4) };
    expect!["role request 00000000-0000-0000-0000-00000000003d of this user is approved already"]
        .assert_eq(&world.refused_to(4, again));
    world.user(1, Act::RevokeRole(GRANT));
    assert!(!may(&world));
}

#[test]
fn only_a_paid_role_is_asked_for_and_others_are_not_shown() {
    let mut world = World::inhabited();
    world.user(1, create_role(&[Permission::Read], RoleEntry::Given));
    let ask = |number| Act::RequestRole { id: GRANT, role: ROLE, user: user(number) };
    expect!["there is no role 00000000-0000-0000-0000-00000000003c"].assert_eq(&world.refused_to(4, ask(4)));
    expect!["role 00000000-0000-0000-0000-00000000003c can not be come to so: only such a role is asked for"]
        .assert_eq(&world.refused_to(3, ask(3)));
    let other = terms(&[Permission::Read], RoleEntry::Paid);
    expect!["role 00000000-0000-0000-0000-00000000003c can not be come to so: only such a role is asked for"]
        .assert_eq(&world.refused_to(1, Act::ChangeRole(ROLE, Some(other), None)));
}
