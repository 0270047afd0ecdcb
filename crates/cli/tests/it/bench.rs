//! Measurements run to their end and tell what they have measured; what it is, is the machine's matter.

use crate::desk::Desk;

#[test]
fn the_ledger_is_measured_next_to_what_its_disk_gives() {
    let desk = Desk::new();
    let sizes = "--accounts 50 --transfers 100 --history 20000 --opened 300 --rounds 1";
    let answer = desk.kopeck(&format!("bench ledger --folder . {sizes}"));
    assert_eq!((answer.code, answer.stderr.as_str()), (0, ""));
    for told in [
        "batches of 8190, 4 on their way: ",
        "append and sync of the same bytes: ",
        "one transfer ",
        "the last 100 entries of an account: median ",
        "verify: ",
        "opening 300 accounts after it was closed: ",
        "opening 300 accounts after its process was killed: ",
    ] {
        assert!(answer.stdout.contains(told), "{told:?} is not in:\n{}", answer.stdout);
    }
    assert!(!answer.stdout.contains("incomplete"), "{}", answer.stdout);
}
