//! From terms to a schedule.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::ScheduleError;
use super::amendment::Amendments;
use super::amortisation::{Amortisation, Course, Line, Money, Tranche};
use super::equal_parts::add_in_equal_parts;
use super::fees;
use super::plan::Plan;
use super::progressive::{ProgressiveModel, ProgressiveRules};
use super::rows::{DisbursementRow, Instalment, RowKind, Schedule};
use super::terms::{
    DatedRate, Disbursement, RateChange, RateCourse, RoundingFamily, ScheduleTerms,
};
use crate::domain::decimal;
use crate::domain::money::round_to_multiple;

/// The schedule of a loan.
///
/// # Errors
/// [`ScheduleError::Terms`] names everything that is wrong with the terms;
/// [`ScheduleError::InterestNotCovered`] an agreed instalment smaller than its interest;
/// [`ScheduleError::NoSolution`] terms no instalment satisfies; the others dates and amounts out
/// of range.
pub fn schedule(terms: &ScheduleTerms) -> Result<Schedule, ScheduleError> {
    amended_schedule(terms, &Amendments::NONE)
}

/// The same with due dates that moved and instalments that were added.
pub(crate) fn amended_schedule(
    agreed: &ScheduleTerms,
    amendments: &Amendments,
) -> Result<Schedule, ScheduleError> {
    agreed.validate().map_err(ScheduleError::Terms)?;
    let terms = &*amendments.terms(agreed);
    let plan = Plan::amended(terms, amendments)?;
    let lending = Lending::of(terms)?;
    let rates = rates(terms, &plan)?;
    let bears = |rate: &DatedRate| !rate.annual_rate.is_zero();
    let bears_interest = !rates.initial.is_zero() || rates.changes.iter().any(bears);
    let (lines, instalment) = if !bears_interest && terms.has_equal_instalments() {
        divided_lines(terms, &plan, &lending)?
    } else if terms.is_plain_progressive() {
        progressive_lines(terms, &plan, &lending, &rates)?
    } else {
        let course = Course::new(terms, &plan, rates, lending.net()).pausing(&amendments.pauses);
        let found = Amortisation::new(terms, &plan, course)?.run()?;
        let instalment = found.instalment()?;
        (found.lines, instalment)
    };
    let cumulative = terms.rounding.family == RoundingFamily::Cumulative;
    let mut rows = rows(&plan, &lending, &lines, cumulative)?;
    if cumulative {
        drop_rows_after_the_end(&mut rows);
    }
    let mut schedule = Schedule { rows, disbursements: lending.rows(), instalment };
    fees::charge(terms, &mut schedule)?;
    Ok(schedule)
}

/// The rates of the terms over the life of the loan.
pub(crate) fn rates(terms: &ScheduleTerms, plan: &Plan) -> Result<RateCourse, ScheduleError> {
    let start = plan.periods.first().map_or(terms.disbursed_on, |period| period.span.start);
    let end = plan.periods.last().map_or(start, |period| period.span.due);
    let indexed: Vec<RateChange>;
    let changes = match &terms.index {
        Some(index) => {
            indexed = index.changes(terms.annual_rate)?;
            &indexed
        }
        None => &terms.rate_changes,
    };
    Ok(RateCourse::new(terms.annual_rate, changes, start, end)?)
}

/// The changes of the rate after the start that the terms foresee, in order of day.
pub(crate) fn rate_changes(terms: &ScheduleTerms) -> Result<Vec<DatedRate>, ScheduleError> {
    if terms.rate_changes.is_empty() && terms.index.is_none() {
        return Ok(Vec::new());
    }
    Ok(rates(terms, &Plan::of(terms)?)?.changes)
}

/// What is lent, with the down payments.
struct Lending {
    parts: Vec<Part>,
}

/// One disbursement.
struct Part {
    on: NaiveDate,
    amount: Decimal,
    down_payment: Decimal,
    /// What stays lent.
    net: Decimal,
}

impl Lending {
    fn of(terms: &ScheduleTerms) -> Result<Self, ScheduleError> {
        let mut parts = Vec::with_capacity(terms.disbursements.len() + 1);
        let first = Disbursement::new(terms.disbursed_on, terms.principal);
        let all = std::iter::once(&first).chain(&terms.disbursements);
        for (index, &tranche) in all.enumerate() {
            let Disbursement { on, amount, .. } = tranche;
            let down_payment = down_payment_on(terms, &tranche, index == 0)?;
            let net = decimal::sub(amount, down_payment)?;
            parts.push(Part { on, amount, down_payment, net });
        }
        parts.sort_by_key(|part| part.on);
        Ok(Self { parts })
    }

    /// What is lent without the part paid back the same day.
    fn net(&self) -> Vec<Tranche> {
        let tranche = |part: &Part| Tranche { on: part.on, amount: part.net };
        self.parts.iter().map(tranche).collect()
    }

    fn rows(&self) -> Vec<DisbursementRow> {
        let row =
            |part: &Part| DisbursementRow { on: part.on, amount: part.amount, fees: Decimal::ZERO };
        self.parts.iter().map(row).collect()
    }
}

/// The down payment on a tranche, which is none where no money is lent.
pub(crate) fn down_payment_on(
    terms: &ScheduleTerms,
    tranche: &Disbursement,
    first: bool,
) -> Result<Decimal, ScheduleError> {
    if tranche.capitalised {
        return Ok(Decimal::ZERO);
    }
    down_payment(terms, tranche.amount, first)
}

/// The down payment on a disbursement, a multiple where instalments are.
pub(crate) fn down_payment(
    terms: &ScheduleTerms,
    amount: Decimal,
    first: bool,
) -> Result<Decimal, ScheduleError> {
    let Some(agreed) = terms.down_payment else { return Ok(Decimal::ZERO) };
    let Some(fraction) = agreed.fraction else {
        return Ok(if first { agreed.amount.unwrap_or_default() } else { Decimal::ZERO });
    };
    let money = Money::of(terms);
    let part = money.round(money.context.mul(amount, money.context.round(fraction)?)?)?;
    let part = match terms.rounding.multiple {
        Some(multiple) => {
            let mode = terms.rounding.multiple_mode.unwrap_or(terms.rounding.mode);
            round_to_multiple(part, multiple, mode)?
        }
        None => part,
    };
    Ok(part.min(amount))
}

/// An amount rounded as amounts of the terms are.
pub(crate) fn round(terms: &ScheduleTerms, amount: Decimal) -> Result<Decimal, ScheduleError> {
    Money::of(terms).round(amount)
}

/// The lines of a loan without payments in the progressive calculator, and its first instalment.
fn progressive_lines(
    terms: &ScheduleTerms,
    plan: &Plan,
    lending: &Lending,
    rates: &RateCourse,
) -> Result<(Vec<Line>, Decimal), ScheduleError> {
    let model = lent_model(terms, plan, lending, rates)?;
    Ok((model.lines(terms.instalment.is_some())?, model.regular_instalment()?))
}

/// The lines of a loan without interest, of which each amount is divided among the instalments to
/// come, and its first instalment.
fn divided_lines(
    terms: &ScheduleTerms,
    plan: &Plan,
    lending: &Lending,
) -> Result<(Vec<Line>, Decimal), ScheduleError> {
    let mut lines = vec![Line::default(); plan.periods.len()];
    let spared = usize::try_from(terms.grace.principal).unwrap_or(usize::MAX);
    for part in &lending.parts {
        let later = plan.periods.iter().position(|period| period.span.due > part.on);
        let last = lines.len().saturating_sub(1);
        let from = later.unwrap_or(last).max(spared.min(last));
        let to_come = lines.get_mut(from..).unwrap_or_default().iter_mut();
        let mut principal: Vec<&mut Decimal> = to_come.map(|line| &mut line.principal).collect();
        add_in_equal_parts(terms, part.net, &mut principal)?;
    }
    let first = lines.get(spared.min(lines.len().saturating_sub(1)));
    let instalment = first.map_or(Decimal::ZERO, |line| line.principal);
    Ok((lines, instalment))
}

/// The calculator once everything is lent and the rates have changed, in order of date.
fn lent_model(
    terms: &ScheduleTerms,
    plan: &Plan,
    lending: &Lending,
    rates: &RateCourse,
) -> Result<ProgressiveModel, ScheduleError> {
    let spans: Vec<_> = plan.periods.iter().map(|period| period.span).collect();
    let rules = ProgressiveRules { annual_rate: rates.initial, ..ProgressiveRules::of(terms) };
    let mut model = ProgressiveModel::with_spans(rules, &spans)?;
    let mut changes = rates.changes.iter().peekable();
    for part in &lending.parts {
        while let Some(change) = changes.next_if(|change| change.evening < part.on) {
            model.apply_rate(*change)?;
        }
        model.add_disbursement(part.on, part.net)?;
    }
    for change in changes {
        model.apply_rate(*change)?;
    }
    Ok(model)
}

/// The progressive calculator of a loan: its terms, everything lent, nothing paid. Operations of
/// the loan's life start here.
///
/// # Errors
/// As [`schedule`], and [`ScheduleError::NoSolution`] for terms the calculator does not know:
/// it serves annuities of the progressive family whose instalments are equal.
pub fn progressive_model(terms: &ScheduleTerms) -> Result<ProgressiveModel, ScheduleError> {
    terms.validate().map_err(ScheduleError::Terms)?;
    if !terms.is_plain_progressive() {
        return Err(ScheduleError::NoSolution {
            reason: "The progressive calculator serves annuities with equal instalments.".into(),
        });
    }
    let plan = Plan::of(terms)?;
    let rates = rates(terms, &plan)?;
    lent_model(terms, &plan, &Lending::of(terms)?, &rates)
}

/// The progressive calculator of valid terms before anything is lent, with due dates that moved.
/// Instalments that are added take effect later.
pub(crate) fn empty_model(
    agreed: &ScheduleTerms,
    amendments: &Amendments,
) -> Result<ProgressiveModel, ScheduleError> {
    let terms = &*amendments.terms(agreed);
    let plan = Plan::amended(terms, amendments)?;
    let count = usize::try_from(agreed.instalments).unwrap_or(usize::MAX);
    let spans: Vec<_> = plan.periods.iter().take(count).map(|period| period.span).collect();
    let initial = rates(terms, &plan)?.initial;
    let rules = ProgressiveRules { annual_rate: initial, ..ProgressiveRules::of(terms) };
    ProgressiveModel::with_spans(rules, &spans)
}

/// Rows of lines, with the down payments where they fall. What is lent on a due date comes after
/// its row, or with `before_due` before it.
fn rows(
    plan: &Plan,
    lending: &Lending,
    lines: &[Line],
    before_due: bool,
) -> Result<Vec<Instalment>, ScheduleError> {
    let mut table = Table::default();
    let mut parts = lending.parts.iter().peekable();
    for (planned, line) in plan.periods.iter().zip(lines) {
        let due = planned.span.due;
        let lent_before = |part: &&Part| part.on < due || (before_due && part.on == due);
        while let Some(part) = parts.next_if(lent_before) {
            table.lend(part.amount)?;
            if !part.down_payment.is_zero() {
                let paid = Line { principal: part.down_payment, ..Line::default() };
                table.push(RowKind::DownPayment, part.on, part.on, &paid)?;
            }
        }
        table.push(RowKind::Instalment, planned.span.start, planned.due, line)?;
    }
    Ok(table.rows)
}

/// Rows as they are written, each opening where the one before closed.
#[derive(Default)]
struct Table {
    rows: Vec<Instalment>,
    balance: Decimal,
    /// Lent since the row before.
    disbursed: Decimal,
}

impl Table {
    /// Lends an amount. The first one is the balance the first row opens with.
    fn lend(&mut self, amount: Decimal) -> Result<(), ScheduleError> {
        if self.rows.is_empty() && self.balance.is_zero() {
            self.balance = amount;
        } else {
            self.disbursed = decimal::add(self.disbursed, amount)?;
        }
        Ok(())
    }

    fn push(
        &mut self,
        kind: RowKind,
        period_start: NaiveDate,
        due_date: NaiveDate,
        line: &Line,
    ) -> Result<(), ScheduleError> {
        let opening_balance = self.balance;
        let disbursed = std::mem::take(&mut self.disbursed);
        self.balance = decimal::sub(decimal::add(opening_balance, disbursed)?, line.principal)?;
        self.rows.push(Instalment {
            number: self.rows.last().map_or(1, |row| row.number + 1),
            kind,
            period_start,
            due_date,
            opening_balance,
            disbursed,
            principal: line.principal,
            interest: line.interest,
            carried_over: line.carried_over,
            fees: Decimal::ZERO,
            total: decimal::add(line.principal, line.interest)?,
            closing_balance: self.balance,
        });
        Ok(())
    }
}

/// A loan that is repaid early, because its instalments were rounded up, ends there.
fn drop_rows_after_the_end(rows: &mut Vec<Instalment>) {
    while let Some(row) = rows.last()
        && rows.len() > 1
        && row.opening_balance.is_zero()
        && row.disbursed.is_zero()
        && row.total.is_zero()
    {
        rows.pop();
    }
}
