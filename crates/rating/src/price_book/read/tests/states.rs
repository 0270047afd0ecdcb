//! Lists of states.

use expect_test::expect;

use super::*;

#[test]
fn a_state_stands_in_one_list_and_deleted_in_none() {
    good(states, &["", "active = []\ninactive = []\ninherit = []", "active = ['Deleted', 'deleted']"]);
    check(
        &[
            (states, "active = ['ON']\ninactive = ['ON']"),
            (states, "inherit = ['ON']\nactive = ['OFF', 'ON']"),
            (states, "inherit = ['DELETED']"),
            (states, "active = ['ON', 'ON']"),
            (states, "active = ['', 7, 'ON']"),
            (version, "[states.\"\"]\nactive = ['ON']"),
        ],
        &expect![[r#"
            active = ['ON']; inactive = ['ON']
                9:13 [states.vm]: state ON is named in `active` and in `inactive`; name each state once
            inherit = ['ON']; active = ['OFF', 'ON']
                8:12 [states.vm]: state ON is named in `active` and in `inherit`; name each state once
            inherit = ['DELETED']
                8:12 [states.vm]: DELETED ends a resource's life and has no class; remove it from the list
            active = ['ON', 'ON']
                8:17 [states.vm]: state ON stands twice in `active`; name each state once
            active = ['', 7, 'ON']
                8:11 [states.vm]: an item of `active` is empty; write at least one character
                8:15 [states.vm]: an item of `active` is a number without quotes; write a text in quotes
            [states.""]; active = ['ON']
                7:9 [states.""] names no kind; name the kind of the resources, such as [states.vm]
        "#]],
    );
}

/// What each state means for a VM, where the book has these lists.
fn meanings(lists: &str) -> String {
    meanings_of("vm", lists)
}

fn meanings_of(kind: &str, lists: &str) -> String {
    let book = read(&states(lists));
    let states = ["RUNNING", "STOPPING", "REBOOTING", "STOPPED", "STARTING", "TERMINATING", "ODD", "DELETED"];
    let all_that = |name: &str, meaning| {
        let those =
            states.into_iter().filter(|state| book.meaning(kind, state) == meaning).collect::<Vec<_>>();
        format!("{name}: [{}]\n", those.join(" "))
    };
    all_that("active", StateMeaning::Class(Some(Class::Active)))
        + &all_that("inactive", StateMeaning::Class(Some(Class::Inactive)))
        + &all_that("inherit", StateMeaning::Inherit)
        + &all_that("none", StateMeaning::Class(None))
        + &all_that("deleted", StateMeaning::Deleted)
}

#[test]
fn every_kind_has_the_default_states() {
    expect![[r#"
        active: [RUNNING STOPPING REBOOTING]
        inactive: [STOPPED]
        inherit: [STARTING TERMINATING]
        none: [ODD]
        deleted: [DELETED]
    "#]]
    .assert_eq(&meanings(""));
    assert_eq!(meanings_of("database", "active = ['ODD']"), meanings(""));
}

#[test]
fn a_list_replaces_that_default_list_and_the_other_lists_stay() {
    expect![[r#"
        active: [RUNNING]
        inactive: [STOPPED]
        inherit: [STARTING TERMINATING]
        none: [STOPPING REBOOTING ODD]
        deleted: [DELETED]
    "#]]
    .assert_eq(&meanings("active = ['RUNNING']"));
    expect![[r#"
        active: [RUNNING STOPPING REBOOTING]
        inactive: [STOPPED]
        inherit: []
        none: [STARTING TERMINATING ODD]
        deleted: [DELETED]
    "#]]
    .assert_eq(&meanings("inherit = []"));
}

#[test]
fn a_state_that_is_named_leaves_the_other_default_lists() {
    expect![[r#"
        active: [RUNNING STOPPED STARTING]
        inactive: []
        inherit: [TERMINATING]
        none: [STOPPING REBOOTING ODD]
        deleted: [DELETED]
    "#]]
    .assert_eq(&meanings("active = ['RUNNING', 'STOPPED', 'STARTING']"));
    expect![[r#"
        active: [RUNNING REBOOTING]
        inactive: [STOPPING ODD]
        inherit: [STARTING TERMINATING]
        none: [STOPPED]
        deleted: [DELETED]
    "#]]
    .assert_eq(&meanings("inactive = ['STOPPING', 'ODD']"));
}
