//! The journal is readable with nothing but SQL: the views say what the records say.

mod bank;

use bank::{Bank, account, done, money};
use kopeck_ledger::name::Sequence;
use kopeck_ledger::record::Record;
use kopeck_store::Store;
use kopeck_store::sqlite::DATABASE_FILE;
use rusqlite::Connection;

#[test]
fn the_views_show_every_record_transfer_and_account() {
    let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
    let store = bank.store_in(folder.path(), 3);
    bank.pass(61);
    done(store.perform(vec![bank.transfer(1, 2, "123.456789"), bank.hold(3, "4.5", bank.after(60))]));
    done(store.perform((0..300).map(|_| bank.transfer(2, 3, "0.25")).collect()));
    assert!(bank::one(store.perform(vec![bank.transfer(1, 2, "99999")])).is_err());
    let mut records = Vec::new();
    store
        .records(Sequence(1), &mut |record: Record| {
            records.push(record);
            Ok(true)
        })
        .unwrap();
    let accounts = store.accounts(0, 9);
    store.close();

    let plain = Connection::open(folder.path().join(DATABASE_FILE)).unwrap();
    let mut select =
        plain.prepare("SELECT sequence, at, kind, id, transfers FROM record ORDER BY sequence").unwrap();
    let rows = select.query_map((), |row| {
        Ok((
            row.get::<_, i64>(0)?,
            row.get::<_, i64>(1)?,
            row.get::<_, String>(2)?,
            row.get::<_, String>(3)?,
            row.get::<_, i64>(4)?,
        ))
    });
    let rows: Vec<_> = rows.unwrap().map(Result::unwrap).collect();
    assert_eq!(rows.len(), records.len());
    for ((sequence, at, kind, id, transfers), record) in rows.into_iter().zip(&records) {
        assert_eq!((sequence, at), (record.sequence.0.cast_signed(), record.at.nanoseconds()));
        assert_eq!(id, record.asked.unwrap().id.0.simple().to_string());
        assert_eq!(
            transfers,
            record.transaction().map_or(0, |transaction| transaction.transfers.len().cast_signed() as i64)
        );
        let debug = format!("{:?}", record.body).to_lowercase();
        assert!(debug.starts_with(&kind), "{kind} for {debug}");
    }

    let mut select = plain.prepare("SELECT sequence, debit, credit, amount, purpose, debit_previous, credit_previous FROM transfer ORDER BY sequence, place").unwrap();
    let shown: Vec<String> = select
        .query_map((), |row| {
            let number = |at| row.get::<_, i64>(at);
            Ok(format!(
                "{} {} {} {} {} {} {}",
                number(0)?,
                number(1)?,
                number(2)?,
                number(3)?,
                row.get::<_, String>(4)?,
                number(5)?,
                number(6)?
            ))
        })
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let mut expected = Vec::new();
    for record in &records {
        for transfer in record.transaction().into_iter().flat_map(|transaction| &transaction.transfers) {
            let (debit, credit, amount) = (transfer.debit.0, transfer.credit.0, transfer.amount.micros());
            let before = format!("{} {}", transfer.debit_previous, transfer.credit_previous);
            expected
                .push(format!("{} {debit} {credit} {amount} {} {before}", record.sequence, transfer.purpose));
        }
    }
    assert_eq!(shown, expected);

    let mut select =
        plain.prepare("SELECT number, id, kind, currency, name FROM account ORDER BY number").unwrap();
    let shown: Vec<String> = select
        .query_map((), |row| {
            let word = |at| row.get::<_, String>(at);
            Ok(format!("{} {} {} {} {}", row.get::<_, u32>(0)?, word(1)?, word(2)?, word(3)?, word(4)?))
        })
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let expected: Vec<String> = accounts
        .iter()
        .map(|account| &account.opening)
        .map(|opening| {
            format!(
                "{} {} {} {} {}",
                opening.number.0,
                opening.id.0.simple(),
                opening.kind,
                opening.currency,
                opening.name.as_str()
            )
        })
        .collect();
    assert_eq!(shown, expected);
}

#[test]
fn balances_can_be_summed_up_from_the_views() {
    let (bank, folder) = (Bank::new(), tempfile::tempdir().unwrap());
    let store = bank.store_in(folder.path(), 2);
    done(store.perform(vec![bank.transfer(1, 2, "0.000001"), bank.transfer(2, 1, "999.999999")]));
    assert_eq!(store.account(account(1)).unwrap().posted, money("1999.999998"));
    store.close();
    let plain = Connection::open(folder.path().join(DATABASE_FILE)).unwrap();
    let sum = "SELECT sum(CASE WHEN t.credit = a.number THEN amount ELSE -amount END) \
               FROM account AS a JOIN transfer AS t ON a.number IN (t.debit, t.credit) WHERE a.name = 'account 1'";
    let posted: i64 = plain.query_row(sum, (), |row| row.get(0)).unwrap();
    assert_eq!(posted, 1_999_999_998);
}
