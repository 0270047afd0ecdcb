//! What every directory must do, whatever is behind it, and acts for its tests. A directory passes by a [`Harness`] and
//! one line: [`directory_contract!`].
#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use kopeck_directory::access::{Actor, Principal};
use kopeck_directory::act::{Act, NewMember, NewProject, NewToken, NewUser, NewWorkspace, UserChange};
use kopeck_directory::entity::{InstallationRole, ProjectRole, Scope};
use kopeck_directory::name::{ProjectId, SecretHash, TokenId, UserId, WorkspaceId};
use kopeck_ledger::name::{Currency, Moment, Text};
use kopeck_store::directory::{AuditQuery, DirectoryStore};
use uuid::Uuid;

/// A directory under test.
pub trait Harness {
    /// An empty directory.
    fn new() -> Self;
    /// The directory.
    fn store(&self) -> &dyn DirectoryStore;
    /// Its clock, in nanoseconds of Unix time; it begins at [`NOW`].
    fn clock(&self) -> &Arc<AtomicI64>;
    /// Closes it and opens it again.
    fn reopen(&mut self);
    /// A directory of a copy that was made of it.
    fn of_backup(&self) -> Self;
}

/// 2026-10-01T12:00:00Z.
pub const NOW: i64 = 1_790_856_000_000_000_000;

pub fn moment(nanoseconds: i64) -> Moment {
    Moment::from_nanoseconds(nanoseconds).unwrap()
}

pub fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

pub fn operator() -> Actor {
    Actor {
        principal: Principal::Installation(InstallationRole::Operator),
        name: text("token:1"),
        address: Some(text("192.0.2.7")),
    }
}

pub fn user(number: u128) -> Act {
    Act::CreateUser(NewUser {
        id: UserId(Uuid::from_u128(number)),
        name: text(&format!("user {number}")),
        currency: Currency::RUB,
        plan: None,
        roles: BTreeSet::new(),
    })
}

pub fn workspace(number: u128, owner: u128) -> Act {
    Act::CreateWorkspace(NewWorkspace {
        id: WorkspaceId(Uuid::from_u128(number)),
        owner: UserId(Uuid::from_u128(owner)),
        name: text("workspace"),
        zone: text("Europe/Moscow"),
        currency: Currency::RUB,
    })
}

pub fn project(name: &str, workspace: u128) -> Act {
    Act::CreateProject(NewProject {
        id: ProjectId::new(name).unwrap(),
        name: text(name),
        workspace: WorkspaceId(Uuid::from_u128(workspace)),
        accepted: None,
    })
}

/// A directory of one user, workspace and project.
fn small<H: Harness>() -> H {
    let harness = H::new();
    for act in [user(1), workspace(2, 1), project("acme", 2)] {
        harness.store().perform(act, &operator()).unwrap().unwrap();
    }
    harness
}

/// How many users there are.
pub fn users(store: &dyn DirectoryStore) -> usize {
    store.snapshot().users().len()
}

pub fn what_was_acknowledged_is_there_after_reopening<H: Harness>() {
    let mut harness = small::<H>();
    harness.reopen();
    let store = harness.store();
    let snapshot = store.snapshot();
    assert_eq!(snapshot.payer("acme", moment(NOW)).map(|workspace| workspace.id.0), Some(Uuid::from_u128(2)));
    assert_eq!(users(store), 1);
}

pub fn a_snapshot_does_not_change_while_acts_are_done<H: Harness>() {
    let harness = small::<H>();
    let store = harness.store();
    let before = store.snapshot();
    store.perform(user(9), &operator()).unwrap().unwrap();
    assert_eq!((before.users().len(), users(store)), (1, 2));
}

pub fn a_refusal_and_an_act_that_changes_nothing_write_no_row<H: Harness>() {
    let harness = small::<H>();
    let store = harness.store();
    let refused = store.perform(user(1), &operator()).unwrap().unwrap_err();
    assert_eq!(refused.to_string(), format!("user {} exists already", Uuid::from_u128(1)));
    let nothing = Act::ChangeUser(UserChange::of(UserId(Uuid::from_u128(1))));
    assert_eq!(store.perform(nothing, &operator()).unwrap().unwrap().sequence, None);
    assert_eq!(store.verify(&mut |_| ()).unwrap().acts, 3);
}

pub fn acts_together_are_each_decided_by_itself<H: Harness>() {
    let harness = H::new();
    let store = harness.store();
    let acts = [user(1), user(1), workspace(2, 1), workspace(3, 7), project("acme", 2)];
    let done = store.perform_all(&acts, &operator()).unwrap();
    assert_eq!(done.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true, false, true]);
    let sequences: Vec<_> = done.iter().flatten().map(|done| done.sequence).collect();
    assert_eq!(sequences, [Some(1), Some(2), Some(3)]);
}

pub fn the_audit_log_tells_who_when_from_where_and_what_before_and_after<H: Harness>() {
    let harness = small::<H>();
    let store = harness.store();
    let roles = [ProjectRole::Viewer].into();
    let member =
        NewMember { project: ProjectId::new("acme").unwrap(), user: UserId(Uuid::from_u128(1)), roles };
    store.perform(Act::SetMember(member.clone()), &operator()).unwrap().unwrap();
    let gone = NewMember { roles: BTreeSet::new(), ..member };
    store.perform(Act::SetMember(gone), &operator()).unwrap().unwrap();
    let query = AuditQuery { project: ProjectId::new("acme").ok(), limit: 10, ..AuditQuery::default() };
    let rows = store.audit(&query).unwrap();
    let told: Vec<_> = rows.iter().map(|row| (row.sequence, row.act.as_str())).collect();
    assert_eq!(told, [(5, "set_member"), (4, "set_member"), (3, "create_project")]);
    let last = &rows[0];
    assert_eq!((last.actor.as_str(), last.address.as_deref()), ("token:1", Some("192.0.2.7")));
    assert_eq!(last.at, moment(NOW));
    let id = Uuid::from_u128(1);
    let member =
        |roles: &str| format!(r#"[{{"member":{{"project":"acme","user":"{id}","roles":[{roles}]}}}}]"#);
    assert_eq!((last.before.clone(), last.after.clone()), (member(r#""viewer""#), member("")));
}

pub fn the_audit_log_is_read_in_pages<H: Harness>() {
    let harness = H::new();
    let store = harness.store();
    let acts: Vec<Act> = (1..=10).map(user).collect();
    store.perform_all(&acts, &operator()).unwrap();
    let mut query = AuditQuery { limit: 4, ..AuditQuery::default() };
    let mut seen = Vec::new();
    loop {
        let page = store.audit(&query).unwrap();
        let Some(last) = page.last() else { break };
        query.before = Some(last.sequence);
        seen.extend(page.iter().map(|row| row.sequence));
    }
    assert_eq!(seen, (1..=10).rev().collect::<Vec<u64>>());
    let of_nobody = AuditQuery { actor: Some("nobody".to_owned()), limit: 4, ..AuditQuery::default() };
    assert_eq!(store.audit(&of_nobody).unwrap(), []);
}

pub fn time_does_not_go_back_where_the_clock_does<H: Harness>() {
    let harness = H::new();
    let store = harness.store();
    store.perform(user(1), &operator()).unwrap().unwrap();
    harness.clock().store(NOW - 1, Ordering::Relaxed);
    assert_eq!(store.perform(user(2), &operator()).unwrap().unwrap().at, moment(NOW));
}

pub fn last_uses_of_tokens_are_kept_apart_from_the_acts<H: Harness>() {
    let mut harness = H::new();
    let store = harness.store();
    let token = TokenId(Uuid::from_u128(7));
    let new = NewToken {
        id: token,
        name: text("ci"),
        secret: SecretHash::of("secret"),
        scope: Scope::Installation(InstallationRole::Operator),
        expires: None,
    };
    store.perform(Act::IssueToken(new), &operator()).unwrap().unwrap();
    store.used(token, moment(NOW + 5));
    store.used(token, moment(NOW + 3));
    assert_eq!(store.last_used(token), Some(moment(NOW + 5)));
    store.keep_uses().unwrap();
    assert_eq!(store.verify(&mut |_| ()).unwrap().acts, 1);
    harness.reopen();
    assert_eq!(harness.store().last_used(token), Some(moment(NOW + 5)));
}

pub fn a_backup_is_a_directory<H: Harness>() {
    let harness = small::<H>();
    let store = harness.store();
    let copy = harness.of_backup();
    let copy = copy.store();
    assert_eq!(users(copy), 1);
    assert_eq!(copy.verify(&mut |_| ()).unwrap().acts, 3);
    assert_eq!(
        copy.audit(&AuditQuery { limit: 9, ..AuditQuery::default() }),
        store.audit(&AuditQuery { limit: 9, ..AuditQuery::default() })
    );
}

/// Makes a test of each rule.
#[macro_export]
macro_rules! directory_contract {
    ($harness:ty) => {
        directory_contract!($harness:
            what_was_acknowledged_is_there_after_reopening
            a_snapshot_does_not_change_while_acts_are_done
            a_refusal_and_an_act_that_changes_nothing_write_no_row
            acts_together_are_each_decided_by_itself
            the_audit_log_tells_who_when_from_where_and_what_before_and_after
            the_audit_log_is_read_in_pages
            time_does_not_go_back_where_the_clock_does
            last_uses_of_tokens_are_kept_apart_from_the_acts
            a_backup_is_a_directory
        );
    };
    ($harness:ty: $($rule:ident)*) => {
        $(#[test]
        fn $rule() {
            directory_contract::$rule::<$harness>();
        })*
    };
}
