//! The lines of a fixed loan: its schedule computed again from what was really lent and from what
//! was agreed since.
//!
//! Variations are put into the terms of the schedule one after the other, as they were recorded,
//! each for the instalments as they are then: due dates move, instalments before the day keep the
//! principal they have. Interest that no term of a schedule can put off is moved between the
//! lines afterwards.

use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;

use super::super::state::amounts::Amounts;
use super::super::state::line::{Line, LineKind};
use super::super::state::refusal::ServicingError;
use super::super::state::variation::{Change, Variation};
use crate::domain::decimal::{add, div, mul, sub};
use crate::domain::limits::INSTALMENTS_MAX;
use crate::domain::loan::amendment::{Amendments, Move, Pause, days_borne};
use crate::domain::loan::basis::days;
use crate::domain::loan::plan::Plan;
use crate::domain::loan::schedule::amended_schedule;
use crate::domain::loan::terms::{CustomInstalment, Disbursement, Method, RateChange};
use crate::domain::loan::{Instalment, RowKind, ScheduleTerms};

/// What is agreed of a loan, from the amounts lent, in any order, and the variations that stand.
///
/// # Errors
/// What the schedule refuses, and [`ServicingError::NotProvided`] for variations only progressive
/// loans have.
pub(crate) fn agreed(
    terms: &ScheduleTerms,
    lent: &[Disbursement],
    variations: &[Variation],
) -> Result<Agreement, ServicingError> {
    let mut standing: Vec<&Variation> = variations.iter().filter(|one| one.active).collect();
    standing.sort_by_key(|one| one.sequence);
    let mut terms = really_lent(terms, lent);
    // What is lent after the end agreed at first is lent within the one agreed later.
    let waiting = std::mem::take(&mut terms.disbursements);
    let mut agreed = Agreement::new(terms, waiting)?;
    for variation in standing {
        agreed.vary(variation)?;
    }
    agreed.lend_the_rest()?;
    Ok(agreed)
}

/// The terms with the amounts and days of what was lent.
pub(crate) fn really_lent(terms: &ScheduleTerms, lent: &[Disbursement]) -> ScheduleTerms {
    let mut terms = ScheduleTerms { fees: Vec::new(), ..terms.clone() };
    let mut lent: Vec<Disbursement> = lent.to_vec();
    lent.sort_by_key(|one| (one.on, one.capitalised));
    let Some((first, later)) = lent.split_first() else { return terms };
    (terms.disbursed_on, terms.principal) = (first.on, first.amount);
    terms.disbursements = later.to_vec();
    terms.starts_on = terms.starts_on.filter(|&start| start <= first.on);
    terms
}

/// What is agreed of a fixed loan as it is lent.
pub(crate) struct Agreement {
    /// The terms of its schedule.
    pub(crate) terms: ScheduleTerms,
    /// Its due dates that moved.
    pub(crate) amendments: Amendments,
    /// The schedule of the terms.
    rows: Vec<Instalment>,
    /// The interest that each period of a flat loan bears, once a variation moved some of it.
    flat: Option<Vec<Decimal>>,
    /// The regular instalments whose interest is asked for with the next one that asks for any.
    put_off: Vec<usize>,
    /// What is lent on the last due date there is so far, or later.
    waiting: Vec<Disbursement>,
}

impl Agreement {
    fn new(terms: ScheduleTerms, waiting: Vec<Disbursement>) -> Result<Self, ServicingError> {
        let mut plan = Self {
            terms,
            amendments: Amendments::default(),
            rows: Vec::new(),
            flat: None,
            put_off: Vec::new(),
            waiting,
        };
        plan.compute()?;
        Ok(plan)
    }

    /// Computes the schedule with everything lent before its last due date.
    fn compute(&mut self) -> Result<(), ServicingError> {
        self.rows = amended_schedule(&self.terms, &self.amendments)?.rows;
        let end = self.instalments().map(|row| row.due_date).max();
        let fits = |one: &Disbursement| end.is_some_and(|end| one.on < end);
        let waiting = std::mem::take(&mut self.waiting);
        let (within, later): (Vec<_>, Vec<_>) = waiting.into_iter().partition(fits);
        self.waiting = later;
        if !within.is_empty() {
            self.terms.disbursements.extend(within);
            self.rows = amended_schedule(&self.terms, &self.amendments)?.rows;
        }
        Ok(())
    }

    /// Lends what is lent on the last due date or later. The schedule goes on for it, and the
    /// instalments it has stay as they are. Flat interest, of the whole term, says nothing of a
    /// longer one: what such a loan lends must be within its schedule.
    fn lend_the_rest(&mut self) -> Result<(), ServicingError> {
        let is_flat = self.terms.method == Method::Flat && !self.terms.annual_rate.is_zero();
        while let Some(on) = self.waiting.first().map(|one| one.on) {
            let known = self.instalments().count();
            match self.instalments_until(on)? {
                Some(count) if !is_flat && count > known => {
                    // Nothing is owed in the instalments added until this is lent.
                    let next = self.waiting.remove(0);
                    self.terms.disbursements.push(next);
                    let until = u32::try_from(count).unwrap_or(u32::MAX);
                    let more = until.saturating_sub(self.terms.instalments);
                    self.add_instalments(known, more)?;
                    for index in known..count.saturating_sub(1) {
                        self.agree_principal(index, Decimal::ZERO);
                    }
                }
                _ => self.terms.disbursements.append(&mut self.waiting),
            }
            self.compute()?;
        }
        Ok(())
    }

    /// How many instalments there are up to the first that is due after a day, if the schedule goes
    /// on for so long.
    fn instalments_until(&self, on: NaiveDate) -> Result<Option<usize>, ServicingError> {
        let mut terms = ScheduleTerms { last_due_on: None, ..self.terms.clone() };
        let most = u32::try_from(INSTALMENTS_MAX).unwrap_or(u32::MAX);
        while terms.instalments < most && terms.due_dates.explicit.is_empty() {
            terms.instalments = terms.instalments.saturating_mul(2).min(most);
            let periods = Plan::amended(&terms, &self.amendments)?.periods;
            if let Some(at) = periods.iter().position(|period| period.due > on) {
                return Ok(Some(at + 1));
            }
        }
        Ok(None)
    }

    /// The rows of regular instalments.
    fn instalments(&self) -> impl Iterator<Item = &Instalment> {
        self.rows.iter().filter(|row| row.kind == RowKind::Instalment)
    }

    /// The index of the first regular instalment due on a day or after it.
    fn at(&self, on: NaiveDate) -> Option<usize> {
        self.instalments().position(|row| row.due_date >= on)
    }

    /// Lets a variation take effect. One after the last due date has none.
    fn vary(&mut self, variation: &Variation) -> Result<(), ServicingError> {
        let Some(at) = self.at(variation.on) else { return Ok(()) };
        match variation.change {
            Change::DueDate(to) => self.amendments.moves.push((at, Move::To(to))),
            Change::Holiday(to) => self.amendments.moves.push((at, Move::After(to))),
            Change::Skip => self.amendments.moves.push((at, Move::After(variation.on))),
            Change::ExtraInstalments(count) => self.add_instalments(at, count)?,
            Change::PrincipalGrace(count) => self.spare_principal(at, count)?,
            Change::InterestGrace(count) => self.put_off_interest(at, count)?,
            Change::Rate(rate) => self.change_rate(at, rate)?,
            Change::DelinquencyPause(_) => return Ok(()),
            Change::InterestPause(to) => self.pause_interest(variation.on, to)?,
        }
        self.compute()
    }

    /// What is left from an instalment on is spread over more instalments.
    fn add_instalments(&mut self, at: usize, count: u32) -> Result<(), ServicingError> {
        if !self.terms.due_dates.explicit.is_empty() {
            return Err(ServicingError::NotProvided {
                reason: "Due dates that follow no frequency have none further on.".into(),
            });
        }
        self.terms.last_due_on = None;
        self.keep_principal(at);
        self.terms.instalments = self.terms.instalments.saturating_add(count);
        if let Some(mut interest) = self.flat_interest()? {
            let rest = interest.split_off(at.min(interest.len()));
            let more = usize::try_from(count).unwrap_or(usize::MAX);
            let spread = self.spread(&rest, rest.len().saturating_add(more))?;
            interest.extend(spread);
            self.flat = Some(interest);
        }
        Ok(())
    }

    /// So many instalments from one on ask for no principal.
    fn spare_principal(&mut self, at: usize, count: u32) -> Result<(), ServicingError> {
        let last = usize::try_from(self.terms.instalments).unwrap_or(usize::MAX);
        self.keep_principal(at);
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        for index in (at..last.saturating_sub(1)).take(count) {
            self.agree_principal(index, Decimal::ZERO);
        }
        Ok(())
    }

    /// So many instalments from one on ask for no interest. That of a flat loan is spread over
    /// those after them, other interest is asked for with the first of them.
    fn put_off_interest(&mut self, at: usize, count: u32) -> Result<(), ServicingError> {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let Some(mut interest) = self.flat_interest()? else {
            let last = self.instalments().count().saturating_sub(1);
            self.put_off.extend((at..last).take(count));
            return Ok(());
        };
        let rest = interest.split_off(at.min(interest.len()));
        let spared = count.min(rest.len().saturating_sub(1));
        interest.extend(std::iter::repeat_n(Decimal::ZERO, spared));
        let spread = self.spread(&rest, rest.len().saturating_sub(spared))?;
        interest.extend(spread);
        self.flat = Some(interest);
        Ok(())
    }

    /// The period that ends with an instalment, and those after it, bear another rate.
    fn change_rate(&mut self, at: usize, annual_rate: Decimal) -> Result<(), ServicingError> {
        if let Some(mut interest) = self.flat_interest()? {
            let changed = ScheduleTerms { annual_rate, ..self.terms.clone() };
            let changed = amended_schedule(&changed, &self.amendments)?.rows;
            let regular = changed.iter().filter(|row| row.kind == RowKind::Instalment);
            interest.truncate(at);
            for row in regular.skip(at) {
                interest.push(row.interest_borne()?);
            }
            self.flat = Some(interest);
            return Ok(());
        }
        let Some(start) = self.instalments().nth(at).map(|row| row.period_start) else {
            return Ok(());
        };
        let from = start.checked_add_days(Days::new(1)).unwrap_or(start);
        self.terms.rate_changes.retain(|change| change.from < from);
        self.terms.rate_changes.push(RateChange { from, annual_rate });
        Ok(())
    }

    /// No interest is borne from a day to another. Flat interest that was moved already loses the
    /// share of the days.
    fn pause_interest(&mut self, from: NaiveDate, to: NaiveDate) -> Result<(), ServicingError> {
        let evening = from.checked_sub_days(Days::new(1)).unwrap_or(from);
        let pause = Pause { evening, last: to };
        self.amendments.pauses.push(pause);
        let Some(mut interest) = self.flat.take() else { return Ok(()) };
        let spans: Vec<_> =
            self.instalments().map(|row| (row.period_start, row.due_date)).collect();
        for (part, (start, due)) in interest.iter_mut().zip(spans) {
            let borne = Decimal::from(days_borne(&[pause], start, due));
            let all = Decimal::from(days(start, due));
            if borne < all {
                *part = self.round(div(mul(*part, borne)?, all)?)?;
            }
        }
        self.flat = Some(interest);
        Ok(())
    }

    /// The instalments before one keep the principal they have.
    fn keep_principal(&mut self, at: usize) {
        let kept: Vec<Decimal> = self.instalments().take(at).map(|row| row.principal).collect();
        for (index, principal) in kept.into_iter().enumerate() {
            self.agree_principal(index, principal);
        }
    }

    /// The principal of an instalment is agreed.
    fn agree_principal(&mut self, index: usize, principal: Decimal) {
        let number = u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1);
        self.terms.custom.retain(|custom| custom.number != number);
        let place = self.terms.custom.partition_point(|custom| custom.number < number);
        let principal = Some(principal);
        let agreed = CustomInstalment { number, instalment: None, principal, skip: false };
        self.terms.custom.insert(place, agreed);
    }

    /// The interest that each period of a flat loan bears.
    fn flat_interest(&self) -> Result<Option<Vec<Decimal>>, ServicingError> {
        if self.terms.method != Method::Flat {
            return Ok(None);
        }
        if let Some(flat) = &self.flat {
            return Ok(Some(flat.clone()));
        }
        let scheduled = self.instalments().map(Instalment::interest_borne);
        Ok(Some(scheduled.collect::<Result<_, _>>()?))
    }

    /// The sum of amounts in so many equal parts, the last with what rounding leaves.
    fn spread(&self, amounts: &[Decimal], count: usize) -> Result<Vec<Decimal>, ServicingError> {
        let sum = amounts.iter().try_fold(Decimal::ZERO, |sum, &one| add(sum, one))?;
        let mut parts = Vec::with_capacity(count);
        let mut left = sum;
        for _ in 1..count {
            let part = self.round(div(sum, Decimal::from(count))?)?.min(left);
            left = sub(left, part)?;
            parts.push(part);
        }
        if count > 0 {
            parts.push(left);
        }
        Ok(parts)
    }

    /// The lines of the schedule, nothing paid of any.
    pub(crate) fn lines(&self) -> Result<Vec<Line>, ServicingError> {
        self.put_off(self.rows.iter().map(Line::agreed).collect())
    }

    /// Lines with the interest moved that is asked for later.
    pub(crate) fn put_off(&self, mut lines: Vec<Line>) -> Result<Vec<Line>, ServicingError> {
        let is_regular = |line: &Line| line.kind == LineKind::Instalment;
        // A loan that is paid off has no instalment after its last one.
        let last = lines.iter().filter(|line| is_regular(line)).count().saturating_sub(1);
        let mut put_off = Decimal::ZERO;
        for (index, line) in lines.iter_mut().filter(|line| is_regular(line)).enumerate() {
            let mut is_put_off = self.put_off.contains(&index);
            if let Some(&borne) = self.flat.as_ref().and_then(|flat| flat.get(index)) {
                is_put_off |= line.carried_over < Decimal::ZERO;
                (line.charged.interest, line.carried_over) = (borne, Decimal::ZERO);
            }
            let scheduled = line.charged.interest;
            let interest = add(scheduled, put_off)?;
            let asked = if is_put_off && index < last { Decimal::ZERO } else { interest };
            put_off = sub(interest, asked)?;
            line.charged.interest = asked;
            line.carried_over = add(line.carried_over, sub(asked, scheduled)?)?;
        }
        for line in &mut lines {
            let asks_nothing = line.charged == Amounts::ZERO;
            line.settled_on = asks_nothing.then_some(self.terms.disbursed_on);
        }
        Ok(lines)
    }

    fn round(&self, amount: Decimal) -> Result<Decimal, ServicingError> {
        Ok(crate::domain::loan::schedule::round(&self.terms, amount)?)
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;
    use serde_json::json;

    use crate::domain::loan::servicing::{Loan, LoanTerms, Operation};

    #[test]
    fn what_is_lent_after_the_end_is_asked_for_after_it() {
        for rate in ["0", "0.12"] {
            let terms = LoanTerms::from_json(json!({
                "principal": 100, "annual_rate": rate, "instalments": 2,
                "disbursed_on": "2024-01-01", "rounding": {"family": "cumulative"}
            }))
            .unwrap();
            let operations: Vec<Operation> = serde_json::from_value(json!([
                {"type": "disburse", "on": "2024-01-01", "amount": "60"},
                {"type": "disburse", "on": "2024-04-10", "amount": "40"}
            ]))
            .unwrap();
            let before = Loan::fold(terms.clone(), &operations[..1]).unwrap();
            let after = Loan::fold(terms, &operations).unwrap();
            let charged = |loan: &Loan| -> Vec<_> {
                loan.lines().iter().map(|line| (line.due_date, line.charged)).collect()
            };
            assert_eq!(charged(&after)[..2], charged(&before)[..], "rate {rate}");
            let later: Vec<(String, Decimal)> = after.lines()[2..]
                .iter()
                .map(|line| (line.due_date.to_string(), line.charged.principal))
                .collect();
            let wanted = [("2024-04-01", 0), ("2024-05-01", 40)];
            assert_eq!(later, wanted.map(|(due, part)| (due.to_owned(), Decimal::from(part))));
        }
    }
}
