//! The shortest form of a loan: what was agreed and what happened, in a few bytes a period.

use chrono::NaiveDate;

use super::period::{Period, Segment};
use super::{DatedRate, ProgressiveModel, ProgressiveRules, Touched};
use crate::domain::limits::INSTALMENTS_MAX;
use crate::domain::loan::basis::{Factors, KnownPeriods, Span};
use crate::domain::loan::wire::{Damaged, Reader, Writer};
use rust_decimal::Decimal;

/// What is so of a period, one bit each; most periods to come are all of the first three.
const WHOLE_UNIT: u64 = 1;
const SAME_INSTALMENT: u64 = 1 << 1;
const AS_SOLVED: u64 = 1 << 2;
const PLAIN: u64 = 1 << 3;
const PAID_PRINCIPAL: u64 = 1 << 4;
const PAID_INTEREST: u64 = 1 << 5;
/// With interest, all of the instalment was paid.
const PAID_UP: u64 = 1 << 6;
const INTEREST_ONLY: u64 = 1 << 7;
const PUT_OFF: u64 = 1 << 8;
const PREPAID_INTEREST: u64 = 1 << 9;

/// What is so of a segment.
const DISBURSED: u64 = 1;
const CORRECTED: u64 = 1 << 1;
const BACK_PRINCIPAL: u64 = 1 << 2;
const BACK_INTEREST: u64 = 1 << 3;
const PAUSED: u64 = 1 << 4;

impl ProgressiveModel {
    /// Writes the loan; `usual` are the rules that its terms imply.
    pub(crate) fn pack(&self, writer: &mut Writer, usual: &ProgressiveRules) {
        let own = (self.rules != *usual).then_some(self.rules);
        writer.optional(own, |writer, rules| {
            writer.text(&serde_json::to_string(&rules).unwrap_or_default());
        });
        let start = self.start();
        writer.date(NaiveDate::MIN, start);
        writer.list(&self.rates, |writer, rate| {
            writer.date(start, rate.evening);
            writer.decimal(rate.annual_rate);
        });
        writer.count(self.periods.len());
        let mut instalment = 0;
        for (index, period) in self.periods.iter().enumerate() {
            let segments = self.segments.get(self.segments_of(index)).unwrap_or_default();
            pack_period(writer, period, segments, instalment);
            instalment = period.instalment;
        }
    }

    /// Reads what [`ProgressiveModel::pack`] wrote, and computes the rest again, but for what is
    /// `known` of loans whose rules are the usual ones.
    pub(crate) fn unpack(
        reader: &mut Reader<'_>,
        usual: &ProgressiveRules,
        known: &mut KnownPeriods,
    ) -> Result<Self, Damaged> {
        let own = reader.optional(|reader| {
            serde_json::from_str::<ProgressiveRules>(&reader.text()?).map_err(|_| Damaged)
        })?;
        let start = reader.date(NaiveDate::MIN)?;
        let rates = reader.list(INSTALMENTS_MAX * 2, |reader| {
            let evening = reader.date(start)?;
            Ok(DatedRate { evening, annual_rate: reader.decimal()? })
        })?;
        let count = reader.count(INSTALMENTS_MAX * 2)?;
        let mut model = Self {
            rules: own.unwrap_or(*usual),
            rates,
            periods: Vec::with_capacity(count),
            segments: Vec::with_capacity(count + 4),
            touched: Touched(0..count),
        };
        let (mut from, mut instalment) = (start, 0);
        // Periods and segments are large: each is copied from a blank one and filled where it stays.
        let span = Span { start, due: start, units: Decimal::ONE };
        let blank = (Period::new(&span, 0, false), Segment::new(start, start));
        for _ in 0..count {
            (from, instalment) = model.unpack_period(reader, &blank, from, instalment)?;
        }
        if model.periods.is_empty() {
            return Err(Damaged);
        }
        if own.is_some() {
            model.refactor(0).map_err(|_| Damaged)?;
        } else {
            let mut factors = Factors::with(model.basis(), std::mem::take(known));
            let computed = model.refactor_with(&mut factors, 0..count);
            *known = factors.into_known();
            computed.map_err(|_| Damaged)?;
        }
        model.refresh(0).map_err(|_| Damaged)?;
        Ok(model)
    }

    /// Reads one period and its segments, which follow one another up to its due date; returns that
    /// and its instalment.
    fn unpack_period(
        &mut self,
        reader: &mut Reader<'_>,
        blank: &(Period, Segment),
        start: NaiveDate,
        instalment: i128,
    ) -> Result<(NaiveDate, i128), Damaged> {
        let is = reader.number()?;
        let due = reader.date(start)?;
        if due <= start {
            return Err(Damaged);
        }
        self.periods.push(blank.0);
        let period = self.periods.last_mut().ok_or(Damaged)?;
        (period.start, period.due) = (start, due);
        period.put_off = is & PUT_OFF != 0;
        period.first = u32::try_from(self.segments.len()).map_err(|_| Damaged)?;
        period.interest_only = is & INTEREST_ONLY != 0;
        if is & WHOLE_UNIT == 0 {
            period.units = reader.decimal()?;
        }
        let instalment = if is & SAME_INSTALMENT != 0 { instalment } else { reader.wide()? };
        period.instalment = instalment;
        period.solved = if is & AS_SOLVED != 0 { instalment } else { reader.wide()? };
        period.paid_interest = given(is & PAID_INTEREST, reader)?;
        period.paid_principal = if is & PAID_UP != 0 {
            instalment - period.paid_interest
        } else {
            given(is & PAID_PRINCIPAL, reader)?
        };
        period.prepaid_interest = given(is & PREPAID_INTEREST, reader)?;
        if is & PLAIN != 0 {
            self.segments.push(blank.1);
            let segment = self.segments.last_mut().ok_or(Damaged)?;
            (segment.from, segment.until) = (start, due);
            return Ok((due, instalment));
        }
        let mut from = start;
        for _ in 0..reader.count(usize::MAX)? {
            let is = reader.number()?;
            let until = reader.date(from)?;
            if until < from || until > due {
                return Err(Damaged);
            }
            self.segments.push(Segment {
                disbursed: given(is & DISBURSED, reader)?,
                corrected: given(is & CORRECTED, reader)?,
                charged_back_principal: given(is & BACK_PRINCIPAL, reader)?,
                charged_back_interest: given(is & BACK_INTEREST, reader)?,
                paused: is & PAUSED != 0,
                ..Segment::new(from, until)
            });
            from = until;
        }
        if from == due { Ok((due, instalment)) } else { Err(Damaged) }
    }
}

fn pack_period(writer: &mut Writer, period: &Period, segments: &[Segment], instalment: i128) {
    let paid_up = period.paid_principal != 0 && period.paid() == period.instalment;
    let plain = matches!(segments, [only] if bits(only) == 0);
    let is = bit(period.units == Decimal::ONE, WHOLE_UNIT)
        | bit(period.instalment == instalment, SAME_INSTALMENT)
        | bit(period.solved == period.instalment, AS_SOLVED)
        | bit(plain, PLAIN)
        | bit(paid_up, PAID_UP)
        | bit(period.paid_principal != 0 && !paid_up, PAID_PRINCIPAL)
        | bit(period.paid_interest != 0, PAID_INTEREST)
        | bit(period.interest_only, INTEREST_ONLY)
        | bit(period.put_off, PUT_OFF)
        | bit(period.prepaid_interest != 0, PREPAID_INTEREST);
    writer.number(is);
    writer.date(period.start, period.due);
    if is & WHOLE_UNIT == 0 {
        writer.decimal(period.units);
    }
    if is & SAME_INSTALMENT == 0 {
        writer.wide(period.instalment);
    }
    if is & AS_SOLVED == 0 {
        writer.wide(period.solved);
    }
    give(writer, period.paid_interest);
    if !paid_up {
        give(writer, period.paid_principal);
    }
    give(writer, period.prepaid_interest);
    if plain {
        return;
    }
    writer.list(segments, |writer, segment| {
        writer.number(bits(segment));
        writer.date(segment.from, segment.until);
        give(writer, segment.disbursed);
        give(writer, segment.corrected);
        give(writer, segment.charged_back_principal);
        give(writer, segment.charged_back_interest);
    });
}

fn bits(segment: &Segment) -> u64 {
    bit(segment.disbursed != 0, DISBURSED)
        | bit(segment.corrected != 0, CORRECTED)
        | bit(segment.charged_back_principal != 0, BACK_PRINCIPAL)
        | bit(segment.charged_back_interest != 0, BACK_INTEREST)
        | bit(segment.paused, PAUSED)
}

fn bit(is: bool, bit: u64) -> u64 {
    if is { bit } else { 0 }
}

/// Writes what is not zero; a bit says that it is.
fn give(writer: &mut Writer, amount: i128) {
    if amount != 0 {
        writer.wide(amount);
    }
}

/// Reads what a bit says is not zero.
fn given(bit: u64, reader: &mut Reader<'_>) -> Result<i128, Damaged> {
    if bit == 0 { Ok(0) } else { reader.wide() }
}
