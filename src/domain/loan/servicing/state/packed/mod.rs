//! The short form of a loan, on which the next operation is put without its history.
//!
//! Terms, lines, calculator, charges and what else the next operation starts from are kept; what
//! was recorded, done and posted is counted and left out, but for the few transactions that later
//! ones look at ([`history`]). What would have to run again what was left out is refused with
//! [`ServicingError::NeedsHistory`].
//!
//! The form: a version, the terms ([`terms`]), the state ([`parts`], [`lines`]), and a check over
//! all of it. A loan of 36 instalments takes some 600 bytes, of which 380 are the shape of its
//! product, with an instalment past due some 850; and some microseconds to write or read.

mod history;
mod lines;
mod parts;
mod terms;
#[cfg(test)]
mod tests;

use chrono::NaiveDate;

use super::loan::{Bare, Loan};
use super::refusal::ServicingError;
use super::standing::LoanStatus;
use crate::domain::limits::{INSTALMENTS_MAX, OPERATIONS_MAX};
use crate::domain::loan::basis::KnownPeriods;
use crate::domain::loan::terms::Problem;
use crate::domain::loan::wire::{Damaged, Reader, Writer};
use crate::domain::loan::{ProgressiveModel, ProgressiveRules};

pub use terms::Shapes;

/// The version of the form.
const VERSION: u8 = 1;
/// Bytes of the check at the end.
const CHECK_BYTES: usize = 8;
/// Most lines: instalments, with those that charges and chargebacks add.
const LINES_MAX: usize = INSTALMENTS_MAX * 2;
/// Most charges, changes of terms and transactions that are kept.
const KEPT_MAX: usize = OPERATIONS_MAX * 8;

/// What is so of a loan, one bit each.
const FRAUD: u8 = 1;
const MODELLED: u8 = 1 << 1;
const LOOKED_AHEAD: u8 = 1 << 2;
const RAN: u8 = 1 << 3;
const NOTE_LAST: u8 = 1 << 4;
const CAPITALISED: u8 = 1 << 5;

const STATUSES: [LoanStatus; 5] = [
    LoanStatus::Approved,
    LoanStatus::Active,
    LoanStatus::Closed,
    LoanStatus::Overpaid,
    LoanStatus::WrittenOff,
];

impl Loan {
    /// The loan in as few bytes as the next operation needs.
    ///
    /// # Errors
    /// None that can happen: terms have a form.
    pub fn pack(&self) -> Result<Vec<u8>, ServicingError> {
        let mut writer = Writer::new(self.terms.schedule.rounding.minor_units);
        writer.byte(VERSION);
        self.pack_terms(&mut writer)?;
        self.pack_state(&mut writer);
        let check = check(writer.written());
        writer.raw(&check.to_le_bytes());
        Ok(writer.finish())
    }

    /// The loan that [`Loan::pack`] wrote, without its history. `shapes` remembers what many loans
    /// have in common.
    ///
    /// # Errors
    /// [`ServicingError::Unreadable`] for another version and for bytes that are not as they were
    /// written.
    pub fn unpack(bytes: &[u8], shapes: &mut Shapes) -> Result<Self, ServicingError> {
        let unreadable = |message: &str| {
            let problem = Problem { path: "state".into(), message: message.into() };
            ServicingError::Unreadable(problem)
        };
        match bytes.first() {
            Some(&VERSION) => {}
            Some(_) => return Err(unreadable("not a version this engine reads")),
            None => return Err(unreadable("empty")),
        }
        let damaged = || unreadable("not as it was written");
        let end = bytes.len().checked_sub(CHECK_BYTES).ok_or_else(damaged)?;
        let (body, last) = bytes.split_at_checked(end).ok_or_else(damaged)?;
        if last != check(body).to_le_bytes() {
            return Err(damaged());
        }
        Self::unpack_body(body.get(1..).unwrap_or_default(), shapes).map_err(|Damaged| damaged())
    }

    fn unpack_body(body: &[u8], shapes: &mut Shapes) -> Result<Self, Damaged> {
        let mut reader = Reader::new(body);
        let (terms, shape) = terms::unpack(&mut reader, shapes)?;
        reader.in_minor_units(terms.schedule.rounding.minor_units);
        let mut loan = Self::blank(terms);
        loan.past.shape = Some(shape);
        loan.unpack_state(&mut reader, shapes.periods()?)?;
        if reader.is_at_end() { Ok(loan) } else { Err(Damaged) }
    }

    fn pack_state(&self, writer: &mut Writer) {
        let base = self.base();
        let usual = ProgressiveRules::of(&self.terms.schedule);
        let is = [
            (self.fraud, FRAUD),
            (self.model.is_some(), MODELLED),
            (self.bare.is_some(), LOOKED_AHEAD),
            (self.latest.is_some(), RAN),
            (self.latest.is_some_and(|latest| latest.1), NOTE_LAST),
            (self.has_capitalised(), CAPITALISED),
        ];
        writer.byte(is.iter().filter(|(is, _)| *is).fold(0, |all, (_, bit)| all | bit));
        writer.byte(STATUSES.iter().position(|one| *one == self.status).unwrap_or(0) as u8);
        writer.number(self.recorded().into());
        writer.number(self.transactions_made().into());
        writer.number(self.movements_posted());
        writer.date(base, self.today);
        if let Some((on, _, recorded_on, sequence)) = self.latest {
            writer.date(base, on);
            writer.date(base, recorded_on);
            writer.number(sequence.into());
        }
        writer.decimal(self.principal);
        writer.decimal(self.overpaid);
        let days = [
            self.closed_on,
            self.overpaid_on,
            self.recognised_to,
            self.charged_off_on,
            self.stands_since,
        ];
        for day in days {
            writer.optional(day, |writer, day| writer.date(base, day));
        }
        writer.list(&self.variations, |writer, one| parts::pack_variation(writer, base, one));
        writer.list(&self.charges, |writer, one| parts::pack_charge(writer, base, one));
        let kept: Vec<_> = self.looked_at_later().collect();
        writer.list(&kept, |writer, one| parts::pack_transaction(writer, base, one));
        pack_shown(writer, base, &usual, (&self.lines, self.model.as_ref(), self.carried_to));
        if let Some(bare) = self.bare.as_deref() {
            writer.flag(bare.1.is_some());
            pack_shown(writer, base, &usual, (&bare.0, bare.1.as_ref(), bare.2));
        }
    }

    fn unpack_state(
        &mut self,
        reader: &mut Reader<'_>,
        known: &mut KnownPeriods,
    ) -> Result<(), Damaged> {
        let base = self.base();
        let usual = ProgressiveRules::of(&self.terms.schedule);
        let is = reader.byte()?;
        self.fraud = is & FRAUD != 0;
        self.status = *STATUSES.get(usize::from(reader.byte()?)).ok_or(Damaged)?;
        self.past.operations = reader.small()?;
        self.past.transactions = reader.small()?;
        self.past.movements = reader.number()?;
        self.past.capitalised = is & CAPITALISED != 0;
        self.today = reader.date(base)?;
        if is & RAN != 0 {
            let (on, recorded_on) = (reader.date(base)?, reader.date(base)?);
            self.latest = Some((on, is & NOTE_LAST != 0, recorded_on, reader.small()?));
        }
        self.principal = reader.decimal()?;
        self.overpaid = reader.decimal()?;
        for day in [
            &mut self.closed_on,
            &mut self.overpaid_on,
            &mut self.recognised_to,
            &mut self.charged_off_on,
            &mut self.stands_since,
        ] {
            *day = reader.optional(|reader| reader.date(base))?;
        }
        self.variations = reader.list(KEPT_MAX, |reader| parts::unpack_variation(reader, base))?;
        self.charges = reader.list(KEPT_MAX, |reader| parts::unpack_charge(reader, base))?;
        self.transactions =
            reader.list(KEPT_MAX, |reader| parts::unpack_transaction(reader, base))?;
        let rising = self.transactions.is_sorted_by(|one, next| one.id < next.id);
        let last = self.transactions.last().map_or(0, |one| one.id);
        if !rising || last > self.past.transactions {
            return Err(Damaged);
        }
        self.past.kept = self.transactions.len();
        let modelled = is & MODELLED != 0;
        (self.lines, self.model, self.carried_to) =
            unpack_shown(reader, base, modelled, &usual, known)?;
        if is & LOOKED_AHEAD != 0 {
            let modelled = reader.flag()?;
            self.bare = Some(Box::new(unpack_shown(reader, base, modelled, &usual, known)?));
        }
        Ok(())
    }

    /// The day from which the others are counted.
    fn base(&self) -> NaiveDate {
        self.terms.schedule.disbursed_on
    }
}

/// Lines, calculator and the day carried to, as they are shown.
type Shown<'a> = (&'a [super::line::Line], Option<&'a ProgressiveModel>, Option<NaiveDate>);

fn pack_shown(
    writer: &mut Writer,
    base: NaiveDate,
    usual: &ProgressiveRules,
    (shown, model, carried_to): Shown<'_>,
) {
    writer.optional(carried_to, |writer, day| writer.date(base, day));
    if let Some(model) = model {
        model.pack(writer, usual);
    }
    lines::pack_lines(writer, base, shown, model);
}

fn unpack_shown(
    reader: &mut Reader<'_>,
    base: NaiveDate,
    modelled: bool,
    usual: &ProgressiveRules,
    known: &mut KnownPeriods,
) -> Result<Bare, Damaged> {
    let carried_to = reader.optional(|reader| reader.date(base))?;
    let model = if modelled { Some(ProgressiveModel::unpack(reader, usual, known)?) } else { None };
    let lines = lines::unpack_lines(reader, base, model.as_ref())?;
    Ok((lines, model, carried_to))
}

/// A sum over bytes that changes with every one of them: words multiplied and turned, which finds
/// what storage and transport spoil. It does not keep anybody from making up a state.
fn check(bytes: &[u8]) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let (words, rest) = bytes.as_chunks::<8>();
    let mix = |sum: u64, word: u64| (sum ^ word).wrapping_mul(ODD).rotate_left(29);
    let sum =
        words.iter().fold(bytes.len() as u64, |sum, word| mix(sum, u64::from_le_bytes(*word)));
    rest.iter().fold(sum, |sum, &byte| mix(sum, u64::from(byte))).wrapping_mul(ODD)
}
