//! The stored form of a shard: all that another process needs to go on as if it had taken the events itself.
//!
//! Version 2 is, in this order: the shard's number and first day; the last step, instant and whole look; the events that
//! wait, as their lines; the step that is on its way; what was put aside; the meters, each with its kind, what is posted
//! beside that of resources, its accounts and days, its rater, and what is posted of resources. It comes in pieces, several
//! for a meter, each with the byte 2 before (a rater's have its own) and a checksum at its end. Numbers are those of
//! rating's `packed::codec`. The same shard is always the same bytes.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use kopeck_ledger::name::Moment;
use kopeck_rating::batch::{Batch, Origin};
use kopeck_rating::event;
use kopeck_rating::live::Live;
use kopeck_rating::packed::UnpackError;
use kopeck_rating::packed::codec::{self, Form, Reader};
use kopeck_rating::price_book::PriceBook;
use kopeck_rating::resource::PeakKey;

use crate::account::{Account, AccountKey};
use crate::meter::Meter;
use crate::meter_id::{MeterId, MeterKind};
use crate::posted::{read_amount, write_amount};
use crate::shard::{SettleError, Shard};
use crate::step::{Step, read_posting, word, write_posting};
use crate::waiting::Waiting;

/// The version that is written, in the first byte.
const VERSION: u8 = 2;
/// The form of each piece.
const PIECE: (Form, u8) = (Form::Shard, VERSION);
/// No whole look has been yet.
const NEVER: i64 = i64::MIN;

impl Shard {
    /// Packs everything, to be stored, into pieces, whose order counts.
    ///
    /// # Errors
    /// [`SettleError::Live`] where a rater has no answers any more.
    pub fn pack(&self) -> Result<Vec<Vec<u8>>, SettleError> {
        let mut to = vec![VERSION];
        codec::number(&mut to, self.number);
        write_date(&mut to, self.since);
        codec::number(&mut to, self.steps);
        codec::instant(&mut to, self.at.nanoseconds());
        codec::instant(&mut to, self.whole_at.unwrap_or(NEVER));
        let waiting = self.waiting.list();
        codec::size(&mut to, waiting.len());
        for Waiting { batch, index, meter, .. } in waiting {
            codec::name(&mut to, meter.0);
            let line = batch.alone(*index);
            codec::bytes(&mut to, line.as_ref().map_or(&[], |line| line.text()));
        }
        codec::optional(&mut to, self.flying.as_ref().map(Step::encode).as_deref());
        codec::size(&mut to, self.aside.len());
        for (meter, posting) in &self.aside {
            codec::name(&mut to, meter.0);
            write_posting(&mut to, posting);
        }
        codec::size(&mut to, self.meters.len());
        let mut pieces = vec![codec::seal(Form::Shard, to)];
        for (id, meter) in &self.meters {
            meter.write(*id, &mut pieces)?;
        }
        Ok(pieces)
    }

    /// A shard that goes on where the one that was packed stood, with the books that its meters have; books may have got
    /// versions that take effect after all events.
    ///
    /// # Errors
    /// [`SettleError`] where the pieces are not those that were packed, a meter has no book, or another one.
    pub fn restore(
        pieces: impl IntoIterator<Item = Vec<u8>>,
        mut book: impl FnMut(MeterId) -> Option<Arc<PriceBook>>,
    ) -> Result<Shard, SettleError> {
        let pieces = &mut pieces.into_iter();
        let head = pieces.next().ok_or(UnpackError::Truncated)?;
        let mut from = Reader(codec::unseal(Form::Shard, VERSION, &head)?);
        from.byte()?;
        let mut shard = Shard::new(from.number()?, read_date(&mut from)?);
        shard.steps = from.number()?;
        let impossible = UnpackError::Impossible("instant");
        shard.at = Moment::from_nanoseconds(from.instant()?).map_err(|_| impossible)?;
        shard.whole_at = Some(from.instant()?).filter(|second| *second != NEVER);
        for _ in 0..from.count()? {
            let meter = MeterId(word(&mut from, "meter")?);
            let batch = Batch::read(from.bytes()?.to_vec(), Origin { file: 0, line: 1 });
            let time = batch.time_of(0).ok_or(UnpackError::Impossible("event"))?;
            let second = event::second_of(time);
            shard.waiting.push(Waiting { batch: Arc::new(batch), index: 0, meter, second });
        }
        shard.flying = from.optional()?.map(Step::decode).transpose()?;
        for _ in 0..from.count()? {
            let meter = MeterId(word(&mut from, "meter")?);
            shard.aside.push((meter, read_posting(&mut from)?));
        }
        let meters = from.number()?;
        from.end()?;
        for _ in 0..meters {
            let (id, meter) = Meter::read(pieces, &mut book)?;
            shard.meters.insert(id, meter);
        }
        match pieces.next() {
            None => Ok(shard),
            Some(more) => Err(UnpackError::TooLong(more.len()).into()),
        }
    }
}

impl Meter {
    fn write(&self, id: MeterId, pieces: &mut Vec<Vec<u8>>) -> Result<(), SettleError> {
        let mut to = vec![VERSION];
        codec::name(&mut to, id.0);
        to.push(match self.kind {
            MeterKind::Service => 1,
            MeterKind::Executor => 2,
            MeterKind::Api => 3,
        });
        self.posted.write_uses(&mut to);
        let mut peaks: Vec<_> =
            self.posted.peaks.iter().map(|(key, amount)| (self.peak(key), amount)).collect();
        peaks.sort_unstable_by_key(|(key, _)| *key);
        codec::size(&mut to, peaks.len());
        for ((part, month, project, group), amount) in peaks {
            codec::size(&mut to, part);
            codec::name(&mut to, month);
            codec::name(&mut to, project);
            to.push(u8::from(group.is_some()));
            codec::optional(&mut to, group.flatten().map(str::as_bytes));
            write_amount(&mut to, *amount);
        }
        codec::size(&mut to, self.accounts.len());
        for (AccountKey { project, part, month }, account) in &self.accounts {
            for number in [*project, *part, *month] {
                codec::name(&mut to, number);
            }
            account.write(&mut to);
        }
        codec::size(&mut to, self.days.len());
        for ((project, month, day), amount) in &self.days {
            codec::name(&mut to, *project);
            codec::name(&mut to, *month);
            write_date(&mut to, *day);
            write_amount(&mut to, *amount);
        }
        codec::size(&mut to, self.posted.resources());
        pieces.push(codec::seal(Form::Shard, to));
        pieces.append(&mut self.live.pack_all()?);
        self.posted.write_resources(PIECE, pieces);
        Ok(())
    }

    fn read(
        pieces: &mut dyn Iterator<Item = Vec<u8>>,
        mut book: impl FnMut(MeterId) -> Option<Arc<PriceBook>>,
    ) -> Result<(MeterId, Meter), SettleError> {
        let own = pieces.next().ok_or(UnpackError::Truncated)?;
        let mut from = Reader(codec::unseal(Form::Shard, VERSION, &own)?);
        from.byte()?;
        let id = MeterId(word(&mut from, "meter")?);
        let book = book(id).ok_or(SettleError::UnknownMeter(id))?;
        let kind = match from.byte()? {
            1 => MeterKind::Service,
            2 => MeterKind::Executor,
            3 => MeterKind::Api,
            _ => return Err(UnpackError::Impossible("meter").into()),
        };
        let mut meter = Meter::new(kind, Live::restore_all(&book, &mut *pieces)?);
        let from = &mut from;
        meter.posted.read_uses(from)?;
        meter.read_peaks(from)?;
        for _ in 0..from.count()? {
            let [project, part, month] = [word(from, "name")?, word(from, "part")?, word(from, "month")?];
            let (key, account) = (AccountKey { project, part, month }, Account::read(from)?);
            if !account.carry.0.is_zero() {
                meter.carrying.insert(key);
            }
            meter.accounts.insert(key, account);
        }
        for _ in 0..from.count()? {
            let key = (word(from, "name")?, word(from, "month")?, read_date(from)?);
            meter.days.insert(key, read_amount(from)?);
        }
        let resources = usize::try_from(from.number()?).map_err(|_| UnpackError::Truncated)?;
        from.end()?;
        meter.posted.read_resources(PIECE, resources, pieces)?;
        Ok((id, meter))
    }

    fn read_peaks(&mut self, from: &mut Reader<'_>) -> Result<(), UnpackError> {
        let groups: BTreeMap<String, u32> =
            self.live.groups().iter().map(|text| text.to_owned()).zip(0..).collect();
        for _ in 0..from.count()? {
            let part = from.below(self.live.plan().parts().len(), "part")?;
            let (month, project) = (word(from, "month")?, word(from, "name")?);
            let is_grouped = from.byte()? == 1;
            let text = from.optional_text()?;
            let number = text.map(|text| groups.get(text).copied().ok_or(UnpackError::Impossible("group")));
            let group = is_grouped.then_some(number.transpose()?);
            self.posted.peaks.insert((PeakKey { part, project, group }, month), read_amount(from)?);
        }
        Ok(())
    }

    fn peak(&self, (key, month): &(PeakKey, u32)) -> (usize, u32, u32, Option<Option<&str>>) {
        let group = key.group.map(|group| group.map(|group| self.live.group(group)));
        (key.part, *month, key.project, group)
    }
}

fn write_date(to: &mut Vec<u8>, date: Date) {
    to.extend_from_slice(&date.year().to_le_bytes());
    to.extend_from_slice(&[date.month().to_le_bytes()[0], date.day().to_le_bytes()[0]]);
}

fn read_date(from: &mut Reader<'_>) -> Result<Date, UnpackError> {
    let year = i16::from_le_bytes(from.array()?);
    let [month, day] = from.array::<2>()?.map(|byte| i8::from_le_bytes([byte]));
    Date::new(year, month, day).map_err(|_| UnpackError::Impossible("date"))
}
