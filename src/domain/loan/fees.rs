//! Fees of a schedule.

use rust_decimal::Decimal;

use super::ScheduleError;
use super::amortisation::Money;
use super::rows::{Instalment, RowKind, Schedule};
use super::terms::{Fee, FeeBasis, FeeTiming, ScheduleTerms};
use crate::domain::decimal;

/// What a fee can be a fraction of.
#[derive(Clone, Copy)]
struct Bases {
    principal: Decimal,
    interest: Decimal,
    disbursed: Decimal,
}

impl Bases {
    fn of(self, basis: FeeBasis) -> Result<Decimal, ScheduleError> {
        Ok(match basis {
            FeeBasis::Flat => Decimal::ONE,
            FeeBasis::Amount => self.principal,
            FeeBasis::Interest => self.interest,
            FeeBasis::AmountAndInterest => decimal::add(self.principal, self.interest)?,
            FeeBasis::Disbursement => self.disbursed,
        })
    }
}

/// Adds the fees of the terms to a schedule.
pub(crate) fn charge(terms: &ScheduleTerms, schedule: &mut Schedule) -> Result<(), ScheduleError> {
    if terms.fees.is_empty() {
        return Ok(());
    }
    let money = Money::of(terms);
    let totals = totals(schedule)?;
    for fee in &terms.fees {
        match fee.charged {
            FeeTiming::AtDisbursement => at_disbursement(fee, schedule, totals, &money)?,
            FeeTiming::PerInstalment => per_instalment(fee, schedule, totals, &money)?,
            FeeTiming::OnDate => on_date(fee, schedule, totals, &money)?,
        }
    }
    for row in &mut schedule.rows {
        row.total = decimal::add(decimal::add(row.principal, row.interest)?, row.fees)?;
    }
    Ok(())
}

fn totals(schedule: &Schedule) -> Result<Bases, ScheduleError> {
    let mut bases =
        Bases { principal: Decimal::ZERO, interest: Decimal::ZERO, disbursed: Decimal::ZERO };
    for row in regular(&schedule.rows) {
        bases.principal = decimal::add(bases.principal, row.principal)?;
        bases.interest = decimal::add(bases.interest, row.interest)?;
    }
    for disbursement in &schedule.disbursements {
        bases.disbursed = decimal::add(bases.disbursed, disbursement.amount)?;
    }
    Ok(bases)
}

fn regular(rows: &[Instalment]) -> impl Iterator<Item = &Instalment> {
    rows.iter().filter(|row| row.kind == RowKind::Instalment)
}

fn amount(fee: &Fee, bases: Bases, money: &Money) -> Result<Decimal, ScheduleError> {
    money.round(money.context.mul(bases.of(fee.basis)?, fee.value)?)
}

/// A flat fee is charged with the first disbursement, a fraction with each.
fn at_disbursement(
    fee: &Fee,
    schedule: &mut Schedule,
    totals: Bases,
    money: &Money,
) -> Result<(), ScheduleError> {
    let by_tranche = matches!(fee.basis, FeeBasis::Amount | FeeBasis::Disbursement);
    for (index, row) in schedule.disbursements.iter_mut().enumerate() {
        let bases = if by_tranche {
            Bases { principal: row.amount, disbursed: row.amount, ..totals }
        } else {
            totals
        };
        if by_tranche || index == 0 {
            row.fees = decimal::add(row.fees, amount(fee, bases, money)?)?;
        }
    }
    Ok(())
}

fn per_instalment(
    fee: &Fee,
    schedule: &mut Schedule,
    totals: Bases,
    money: &Money,
) -> Result<(), ScheduleError> {
    for row in schedule.rows.iter_mut().filter(|row| row.kind == RowKind::Instalment) {
        let bases = Bases {
            principal: row.principal.max(Decimal::ZERO),
            interest: row.interest,
            disbursed: totals.disbursed,
        };
        row.fees = decimal::add(row.fees, amount(fee, bases, money)?)?;
    }
    Ok(())
}

/// Into the instalment whose period contains the day; before the first period into the first,
/// after the last into the last.
fn on_date(
    fee: &Fee,
    schedule: &mut Schedule,
    totals: Bases,
    money: &Money,
) -> Result<(), ScheduleError> {
    let charged = amount(fee, totals, money)?;
    let instalment = |row: &Instalment| row.kind == RowKind::Instalment;
    let within = |row: &Instalment| instalment(row) && fee.on.is_none_or(|on| on <= row.due_date);
    let at = schedule
        .rows
        .iter()
        .position(within)
        .or_else(|| schedule.rows.iter().rposition(instalment));
    if let Some(row) = at.and_then(|at| schedule.rows.get_mut(at)) {
        row.fees = decimal::add(row.fees, charged)?;
    }
    Ok(())
}
