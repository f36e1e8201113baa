//! Lines in the short form.
//!
//! Most lines say nothing that the calculator does not say: they ask for what its period asks for,
//! when it does, and everything or nothing of it was paid. Such a line is a byte or two.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::super::amounts::{Amounts, Component};
use super::super::line::{Line, LineKind};
use super::super::seldom::Seldom;
use super::LINES_MAX;
use super::parts::{pack_name, unpack_name};
use crate::domain::loan::ProgressiveModel;
use crate::domain::loan::wire::{Damaged, Reader, Writer};

/// What is so of a line, one bit each. It is an instalment with the next number whose period begins
/// where the one before is due.
const USUAL: u64 = 1;
const SETTLED: u64 = 1 << 1;
/// It is due when the next period of the calculator is, with its principal and interest.
const AS_MODELLED: u64 = 1 << 2;
/// What is asked for was paid, component by component.
const PAID: u64 = 1 << 3;
const IN_ADVANCE: u64 = 1 << 12;
const LATE: u64 = 1 << 13;
const INTEREST_FREE: u64 = 1 << 30;
const CARRIED_OVER: u64 = 1 << 31;

/// Where the bits begin that say which components there are of what: one each.
const CHARGED: u32 = 4;
const PAID_PARTS: u32 = 8;
const ACCRUED: u32 = 14;
const CREDITED: u32 = 18;
const WAIVED: u32 = 22;
const WRITTEN_OFF: u32 = 26;

/// The components that the calculator knows, among those bits.
const MODELLED: u64 = 0b11;

const LINE_KINDS: [LineKind; 4] =
    [LineKind::Instalment, LineKind::DownPayment, LineKind::Additional, LineKind::ReAged];

/// A walk along lines, and along the periods of the calculator beside them.
struct Walk<'a> {
    model: Option<&'a ProgressiveModel>,
    /// The number of the line.
    number: u32,
    /// The due date before.
    before: NaiveDate,
    /// How many lines there were for which the calculator has a period.
    period: usize,
}

impl<'a> Walk<'a> {
    fn new(base: NaiveDate, model: Option<&'a ProgressiveModel>) -> Self {
        Self { model, number: 1, before: base, period: 0 }
    }

    /// When the next period is due, and its principal and interest in minor units.
    fn modelled(&self) -> Option<(NaiveDate, [i128; 2])> {
        self.model.and_then(|model| model.asked(self.period))
    }

    fn is_as_modelled(&self, line: &Line, minor_units: u32) -> bool {
        let says = |amount: &Decimal, minor: i128| {
            amount.mantissa() == minor && (amount.scale() == minor_units || minor == 0)
        };
        line.is_modelled()
            && self.modelled().is_some_and(|(due, [principal, interest])| {
                line.due_date == due
                    && says(&line.charged.principal, principal)
                    && says(&line.charged.interest, interest)
            })
    }

    fn is_usual(&self, line: &Line) -> bool {
        line.kind == LineKind::Instalment
            && line.period_start == self.before
            && line.number == self.number
    }

    fn pass(&mut self, line: &Line) {
        self.number = self.number.saturating_add(1);
        self.before = line.due_date;
        self.period += usize::from(line.is_modelled());
    }
}

/// Writes lines; those of a calculator's loan after the calculator.
pub(super) fn pack_lines(
    writer: &mut Writer,
    base: NaiveDate,
    lines: &[Line],
    model: Option<&ProgressiveModel>,
) {
    writer.count(lines.len());
    let mut walk = Walk::new(base, model);
    for line in lines {
        let is = bits(line, &walk, writer.minor_units());
        writer.number(is);
        if is & USUAL == 0 {
            pack_name(writer, &LINE_KINDS, &line.kind);
            writer.date(walk.before, line.period_start);
            writer.number(line.number.into());
        }
        if is & AS_MODELLED == 0 {
            writer.date(line.period_start, line.due_date);
        }
        if let Some(day) = line.settled_on {
            writer.date(line.due_date, day);
        }
        pack_parts(writer, is >> CHARGED, &line.charged);
        pack_parts(writer, is >> PAID_PARTS, &line.paid);
        for (bit, amount) in singles(line) {
            if is & bit != 0 {
                writer.decimal(*amount);
            }
        }
        for (at, amounts) in seldom(line) {
            pack_parts(writer, is >> at, amounts);
        }
        walk.pass(line);
    }
}

fn singles(line: &Line) -> [(u64, &Decimal); 4] {
    [
        (IN_ADVANCE, &line.paid_in_advance),
        (LATE, &line.paid_late),
        (INTEREST_FREE, &line.interest_free),
        (CARRIED_OVER, &line.carried_over),
    ]
}

fn seldom(line: &Line) -> [(u32, &Seldom); 4] {
    [
        (ACCRUED, &line.accrued),
        (CREDITED, &line.credited),
        (WAIVED, &line.waived),
        (WRITTEN_OFF, &line.written_off),
    ]
}

/// What is so of a line.
fn bits(line: &Line, walk: &Walk<'_>, minor_units: u32) -> u64 {
    let flag = |is: bool, bit: u64| if is { bit } else { 0 };
    let as_modelled = walk.is_as_modelled(line, minor_units);
    let paid_all = !line.paid.is_zero()
        && Component::ALL.iter().all(|&part| is_same(&line.paid[part], &line.charged[part]));
    let known = if as_modelled { MODELLED } else { 0 };
    let mut is = flag(walk.is_usual(line), USUAL)
        | flag(line.settled_on.is_some(), SETTLED)
        | flag(as_modelled, AS_MODELLED)
        | flag(paid_all, PAID)
        | (parts(&line.charged) & !known) << CHARGED;
    if !paid_all {
        is |= parts(&line.paid) << PAID_PARTS;
    }
    for (bit, amount) in singles(line) {
        is |= flag(!amount.is_zero(), bit);
    }
    for (at, amounts) in seldom(line) {
        is |= if amounts.is_zero() { 0 } else { parts(amounts) << at };
    }
    is
}

/// Whether two amounts have the same form; zero has one.
fn is_same(one: &Decimal, other: &Decimal) -> bool {
    one.mantissa() == other.mantissa() && (one.scale() == other.scale() || one.is_zero())
}

/// Which components there are, one bit each.
fn parts(amounts: &Amounts) -> u64 {
    let bit = |(at, &part): (u32, &Component)| u64::from(!amounts[part].is_zero()) << at;
    (0u32..).zip(&Component::ALL).map(bit).fold(0, |all, bit| all | bit)
}

fn pack_parts(writer: &mut Writer, bits: u64, amounts: &Amounts) {
    for (at, &part) in Component::ALL.iter().enumerate() {
        if bits >> at & 1 == 1 {
            writer.decimal(amounts[part]);
        }
    }
}

/// Reads lines; those of a calculator's loan after the calculator.
pub(super) fn unpack_lines(
    reader: &mut Reader<'_>,
    base: NaiveDate,
    model: Option<&ProgressiveModel>,
) -> Result<Vec<Line>, Damaged> {
    let count = reader.count(LINES_MAX)?;
    let mut lines = Vec::with_capacity(count + 1);
    // Lines are large; each is made where it stays.
    lines.resize_with(count, Line::default);
    let mut walk = Walk::new(base, model);
    for line in &mut lines {
        unpack_line(reader, &walk, line)?;
        walk.pass(line);
    }
    Ok(lines)
}

fn unpack_line(reader: &mut Reader<'_>, walk: &Walk<'_>, line: &mut Line) -> Result<(), Damaged> {
    let is = reader.number()?;
    (line.number, line.period_start) = (walk.number, walk.before);
    if is & USUAL == 0 {
        line.kind = unpack_name(reader, &LINE_KINDS)?;
        line.period_start = reader.date(walk.before)?;
        line.number = reader.small()?;
    }
    if is & AS_MODELLED != 0 {
        let (due_date, [principal, interest]) = walk.modelled().ok_or(Damaged)?;
        line.due_date = due_date;
        line.charged.principal = reader.minor(principal)?;
        line.charged.interest = reader.minor(interest)?;
    } else {
        line.due_date = reader.date(line.period_start)?;
    }
    if is & SETTLED != 0 {
        line.settled_on = Some(reader.date(line.due_date)?);
    }
    unpack_parts(reader, is >> CHARGED, &mut line.charged)?;
    if is & PAID != 0 {
        line.paid = line.charged;
    }
    unpack_parts(reader, is >> PAID_PARTS, &mut line.paid)?;
    for (bit, amount) in [
        (IN_ADVANCE, &mut line.paid_in_advance),
        (LATE, &mut line.paid_late),
        (INTEREST_FREE, &mut line.interest_free),
        (CARRIED_OVER, &mut line.carried_over),
    ] {
        if is & bit != 0 {
            *amount = reader.decimal()?;
        }
    }
    for (at, amounts) in [
        (ACCRUED, &mut line.accrued),
        (CREDITED, &mut line.credited),
        (WAIVED, &mut line.waived),
        (WRITTEN_OFF, &mut line.written_off),
    ] {
        if is >> at & 0b1111 != 0 {
            unpack_parts(reader, is >> at, amounts)?;
        }
    }
    Ok(())
}

fn unpack_parts(reader: &mut Reader<'_>, bits: u64, amounts: &mut Amounts) -> Result<(), Damaged> {
    for (at, &part) in Component::ALL.iter().enumerate() {
        if bits >> at & 1 == 1 {
            amounts[part] = reader.decimal()?;
        }
    }
    Ok(())
}
