use std::fmt::Write;

use expect_test::expect;

use crate::access::{Column, Permission, Principal, Target};
use crate::act::{Act, NewRole, NewToken, UserChange};
use crate::directory::NoToken;
use crate::entity::{Emitter, InstallationRole, ProjectRole, RoleEntry, RoleTerms, Scope};
use crate::name::{RoleId, SecretHash, TokenId};
use crate::testing::{ACCOUNTANT, OPERATOR, World, id, instant, member, project, provider, text, user};

#[test]
fn the_table_of_permissions() {
    let mut table = String::new();
    for permission in Permission::ALL {
        let columns = Column::ALL.iter().filter(|column| column.has(*permission));
        let columns: Vec<String> = columns.map(|column| format!("{column:?}").to_lowercase()).collect();
        writeln!(table, "{permission:<12} {}", columns.join(" ")).unwrap();
    }
    expect![[r#"
        read         operator accountant payer developer viewer owner
        read_all     operator accountant
        administer   operator
        prices       operator
        plans        operator
        providers    operator
        close        operator
        tokens       operator
        deposits     operator accountant
        invoices     operator accountant
        corrections  operator accountant
        money        payer owner
        limits       operator payer
        lower_limits operator payer developer
        members      operator payer
        hand_over    payer
        order_forms  operator payer
        resources    operator developer
        authorise    operator developer
        estimate     operator payer developer
        keys         operator payer developer
        own          operator owner
        ingest       operator ingest
    "#]]
    .assert_eq(&table);
}

/// What a principal may do in project `acme`, and in `other`.
fn check(world: &World, by: &Principal) -> String {
    let words = |name: &str| {
        let project = project(name);
        let may =
            Permission::ALL.iter().filter(|one| world.directory.may(by, **one, Target::Project(&project)));
        let words: Vec<&str> = may.map(|one| one.word()).collect();
        words.join(" ")
    };
    format!("acme: {}; other: {}", words("acme"), words("other"))
}

#[test]
fn a_role_in_one_project_gives_nothing_in_another() {
    let world = World::inhabited();
    let told: Vec<String> = (1..=4).map(|number| check(&world, &Principal::User(user(number)))).collect();
    expect![[r#"
        acme: read money limits lower_limits members hand_over order_forms estimate keys; other: 
        acme: read lower_limits resources authorise estimate keys; other: 
        acme: read; other: 
        acme: ; other: read money limits lower_limits members hand_over order_forms estimate keys"#]]
    .assert_eq(&told.join("\n"));
}

#[test]
fn a_member_of_several_roles_may_what_any_of_them_may() {
    let mut world = World::inhabited();
    world.operator(member("acme", 3, &[ProjectRole::Payer, ProjectRole::Developer]));
    let payer_and_developer =
        |permission: Permission| Column::Payer.has(permission) || Column::Developer.has(permission);
    let acme = project("acme");
    for permission in Permission::ALL {
        let may = world.directory.may(&Principal::User(user(3)), *permission, Target::Project(&acme));
        assert_eq!(may, payer_and_developer(*permission), "{permission}");
    }
}

#[test]
fn nobody_who_has_not_signed_in_may_anything_but_read_a_public_project() {
    let mut world = World::inhabited();
    expect!["acme: ; other: "].assert_eq(&check(&world, &Principal::Anyone));
    let terms = RoleTerms {
        name: text("showcase"),
        permissions: [Permission::Read].into(),
        coefficient: "1".parse().unwrap(),
        entry: RoleEntry::Public,
    };
    let role = RoleId(id(70));
    world.user(1, Act::CreateRole(NewRole { id: role, project: project("acme"), terms }));
    expect!["acme: read; other: "].assert_eq(&check(&world, &Principal::Anyone));
    world.user(1, Act::ChangeRole(role, None, Some(false)));
    expect!["acme: ; other: "].assert_eq(&check(&world, &Principal::Anyone));
}

#[test]
fn a_token_of_ingestion_sends_events_of_its_emitter_and_nothing_else() {
    let world = World::inhabited();
    let own = Emitter::Provider(provider(20));
    let by = Principal::Ingest(own);
    expect!["acme: ; other: "].assert_eq(&check(&world, &by));
    assert!(world.directory.may(&by, Permission::Ingest, Target::Events(own)));
    assert!(!world.directory.may(&by, Permission::Ingest, Target::Events(Emitter::Provider(provider(21)))));
}

#[test]
fn who_is_not_active_may_nothing() {
    let mut world = World::inhabited();
    world.operator(Act::ChangeUser(UserChange { active: Some(false), ..UserChange::of(user(1)) }));
    expect!["acme: ; other: "].assert_eq(&check(&world, &Principal::User(user(1))));
}

fn token(number: u128, scope: Scope) -> NewToken {
    NewToken {
        id: TokenId(id(number)),
        name: text("ci"),
        secret: SecretHash::of(&number.to_string()),
        scope,
        expires: None,
    }
}

fn of_acme(role: ProjectRole) -> Scope {
    Scope::Project { project: project("acme"), role }
}

#[test]
fn a_token_is_who_its_scope_says_until_it_expires_or_is_revoked() {
    let mut world = World::inhabited();
    let expires = instant("2026-10-01T13:00:00Z");
    world.operator(Act::IssueToken(NewToken {
        expires: Some(expires),
        ..token(90, Scope::Installation(InstallationRole::Accountant))
    }));
    let secret = SecretHash::of("90");
    assert_eq!(world.directory.principal(&secret, world.now), Ok((TokenId(id(90)), ACCOUNTANT)));
    assert_eq!(world.directory.principal(&secret, expires), Err(NoToken::Expired(expires)));
    assert_eq!(world.directory.principal(&SecretHash::of("x"), world.now), Err(NoToken::Unknown));
    world.operator(Act::RevokeToken(TokenId(id(90))));
    assert_eq!(world.directory.principal(&secret, world.now), Err(NoToken::Revoked(world.now)));
    expect!["token 00000000-0000-0000-0000-00000000005a was revoked at 2026-10-01T12:00:00Z"]
        .assert_eq(&world.refused(Act::RevokeToken(TokenId(id(90)))));
}

#[test]
fn an_expiry_lies_ahead() {
    let mut world = World::inhabited();
    let expires = Some(world.now);
    let new = NewToken { expires, ..token(90, Scope::Installation(InstallationRole::Operator)) };
    expect!["2026-10-01T12:00:00Z is not ahead of now, 2026-10-01T12:00:00Z"]
        .assert_eq(&world.refused(Act::IssueToken(new)));
}

#[test]
fn a_member_issues_tokens_of_the_members_own_roles_only() {
    let mut world = World::inhabited();
    world.user(2, Act::IssueToken(token(91, of_acme(ProjectRole::Developer))));
    expect!["this needs the permission `members`"]
        .assert_eq(&world.refused_to(2, Act::IssueToken(token(92, of_acme(ProjectRole::Payer)))));
    expect!["there is no project acme"]
        .assert_eq(&world.refused_to(4, Act::IssueToken(token(92, of_acme(ProjectRole::Viewer)))));
    expect!["this needs the permission `tokens`"].assert_eq(
        &world.refused_to(1, Act::IssueToken(token(92, Scope::Installation(InstallationRole::Operator)))),
    );
}

#[test]
fn a_token_ends_with_the_role_of_who_issued_it() {
    let mut world = World::inhabited();
    world.user(2, Act::IssueToken(token(91, of_acme(ProjectRole::Developer))));
    let secret = SecretHash::of("91");
    let principal = Principal::Project { project: project("acme"), role: ProjectRole::Developer };
    assert_eq!(world.directory.principal(&secret, world.now), Ok((TokenId(id(91)), principal.clone())));
    assert_eq!(check(&world, &principal), check(&world, &Principal::User(user(2))));
    world.user(1, member("acme", 2, &[]));
    assert_eq!(world.directory.principal(&secret, world.now), Err(NoToken::IssuerLeft));
}

#[test]
fn a_strangers_token_is_unknown_to_who_may_not_issue_it() {
    let mut world = World::inhabited();
    world.user(1, Act::IssueToken(token(91, Scope::User(user(1)))));
    expect!["there is no token 00000000-0000-0000-0000-00000000005b"]
        .assert_eq(&world.refused_to(4, Act::RevokeToken(TokenId(id(91)))));
    world.act(&OPERATOR, Act::RevokeToken(TokenId(id(91)))).unwrap();
}
