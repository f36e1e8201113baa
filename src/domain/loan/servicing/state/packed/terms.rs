//! Terms in the short form: what a loan has of its own, and the shape it shares with others.
//!
//! Loans of one product differ in what is lent, when, for how long and at what rate. That is written
//! by itself; the rest is the JSON form of the terms with these members blank. It is the same for
//! every loan of the product, so that reading it once is enough.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::super::loan::Loan;
use super::super::past::Shape;
use super::super::refusal::ServicingError;
use crate::domain::limits::INSTALMENTS_MAX;
use crate::domain::loan::basis::KnownPeriods;
use crate::domain::loan::servicing::terms::LoanTerms;
use crate::domain::loan::terms::{Disbursement, Problem, ScheduleTerms};
use crate::domain::loan::wire::{Damaged, Reader, Writer};

/// How many shapes are remembered.
const SHAPES_MAX: usize = 64;
/// The longest shape, in bytes: terms with every date of a long loan.
const SHAPE_MAX: usize = 1 << 20;

/// Shapes that were read, lately used first.
#[derive(Debug, Default)]
pub struct Shapes {
    known: Vec<Known>,
}

/// A shape, its terms, and what periods bear under its rules.
#[derive(Debug)]
struct Known {
    shape: Shape,
    terms: LoanTerms,
    periods: KnownPeriods,
}

impl Shapes {
    /// The terms of a shape, from memory where it is known.
    fn read(&mut self, bytes: &[u8]) -> Result<(LoanTerms, Shape), Damaged> {
        if let Some(at) = self.known.iter().position(|known| *known.shape == *bytes) {
            self.known.get_mut(..=at).ok_or(Damaged)?.rotate_right(1);
        } else {
            let document = serde_json::from_slice(bytes).map_err(|_| Damaged)?;
            let terms = LoanTerms::from_json(document).map_err(|_| Damaged)?;
            let known = Known { shape: bytes.into(), terms, periods: KnownPeriods::of_many() };
            self.known.truncate(SHAPES_MAX - 1);
            self.known.insert(0, known);
        }
        let latest = self.known.first().ok_or(Damaged)?;
        Ok((latest.terms.clone(), latest.shape.clone()))
    }

    /// What periods bear under the rules of the shape that was read last.
    pub(super) fn periods(&mut self) -> Result<&mut KnownPeriods, Damaged> {
        self.known.first_mut().map(|latest| &mut latest.periods).ok_or(Damaged)
    }
}

impl Loan {
    /// Writes the terms.
    pub(super) fn pack_terms(&self, writer: &mut Writer) -> Result<(), ServicingError> {
        match &self.past.shape {
            Some(shape) => put_shape(writer, shape),
            None => put_shape(writer, &shape_of(&self.terms)?),
        }
        pack_own(writer, &self.terms.schedule);
        Ok(())
    }
}

fn put_shape(writer: &mut Writer, shape: &[u8]) {
    writer.count(shape.len());
    writer.raw(shape);
}

/// Terms without what each loan has of its own.
fn shape_of(terms: &LoanTerms) -> Result<Vec<u8>, ServicingError> {
    let mut terms = terms.clone();
    let schedule = &mut terms.schedule;
    (schedule.principal, schedule.annual_rate) = (Decimal::ONE, Decimal::ZERO);
    (schedule.instalments, schedule.disbursed_on) = (1, NaiveDate::default());
    (schedule.first_due_on, schedule.starts_on, schedule.last_due_on) = (None, None, None);
    schedule.instalment = None;
    schedule.disbursements.clear();
    serde_json::to_vec(&terms).map_err(|error| {
        ServicingError::Unreadable(Problem { path: "terms".into(), message: error.to_string() })
    })
}

fn pack_own(writer: &mut Writer, own: &ScheduleTerms) {
    writer.date(NaiveDate::MIN, own.disbursed_on);
    writer.decimal(own.principal);
    writer.decimal(own.annual_rate);
    writer.number(own.instalments.into());
    for day in [own.first_due_on, own.starts_on, own.last_due_on] {
        writer.optional(day, |writer, day| writer.date(own.disbursed_on, day));
    }
    writer.optional(own.instalment, Writer::decimal);
    writer.list(&own.disbursements, |writer, one| {
        writer.date(own.disbursed_on, one.on);
        writer.decimal(one.amount);
    });
}

/// Reads terms and their shape.
pub(super) fn unpack(
    reader: &mut Reader<'_>,
    shapes: &mut Shapes,
) -> Result<(LoanTerms, Shape), Damaged> {
    let count = reader.count(SHAPE_MAX)?;
    let (mut terms, shape) = shapes.read(reader.raw(count)?)?;
    let own = &mut terms.schedule;
    reader.in_minor_units(own.rounding.minor_units);
    own.disbursed_on = reader.date(NaiveDate::MIN)?;
    own.principal = reader.decimal()?;
    own.annual_rate = reader.decimal()?;
    own.instalments = reader.small()?;
    for day in [&mut own.first_due_on, &mut own.starts_on, &mut own.last_due_on] {
        *day = reader.optional(|reader| reader.date(own.disbursed_on))?;
    }
    own.instalment = reader.optional(Reader::decimal)?;
    let lent_on = own.disbursed_on;
    own.disbursements = reader.list(INSTALMENTS_MAX, |reader| {
        let on = reader.date(lent_on)?;
        Ok(Disbursement::new(on, reader.decimal()?))
    })?;
    Ok((terms, shape))
}
