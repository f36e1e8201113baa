//! Penalties that the end of a day charges for instalments that are overdue.
//!
//! An instalment is punished once its days of grace are over. A penalty that is charged once is due
//! with the instalment it punishes. One that runs by the day is due on the day it is charged, for
//! all days since the due date or since it was charged last; it takes its fraction for a year of
//! 365 days, and each charge rounds the sum of all charged for the instalment so far, so that cents
//! neither pile up nor get lost. Penalties stand even if a payment recorded later would have been in
//! time: withdrawing one is a decision of the lender's
//! ([`Action::UndoCharge`](super::super::Action::UndoCharge)).

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::super::state::charge::{Charge, ChargeTiming};
use super::super::state::entry::Entry;
use super::super::state::line::{Line, LineKind};
use super::super::state::loan::Loan;
use super::super::state::refusal::ServicingError;
use super::super::state::standing::LoanStatus;
use super::super::terms::PenaltyTerms;
use crate::domain::decimal::{add, div, mul, sub};
use crate::domain::loan::terms::FeeBasis;

const DAYS_IN_YEAR: i64 = 365;

impl Loan {
    /// Charges what the terms provide for instalments that are overdue at the end of a day, and
    /// says whether there was anything.
    pub(crate) fn charge_penalties(
        &mut self,
        day: NaiveDate,
        entry: &Entry,
    ) -> Result<bool, ServicingError> {
        if self.status != LoanStatus::Active || self.charged_off_on.is_some() {
            return Ok(false);
        }
        let before = self.charges.len();
        for terms in self.terms.servicing.penalties.clone() {
            let overdue = self.lines.iter().filter(|line| line.due_date < day);
            let mut found = Vec::new();
            for line in overdue {
                let value = self.penalty_for(&terms, line, day)?;
                if value > Decimal::ZERO {
                    found.push((line.due_date, value));
                }
            }
            for (since, value) in found {
                self.charge_penalty(entry, day, &terms, since, value);
            }
        }
        Ok(self.charges.len() > before)
    }

    /// What a penalty comes to for a line at the end of a day, exactly; zero if none is due, or if
    /// it would not make a minor unit yet.
    pub(crate) fn penalty_for(
        &self,
        terms: &PenaltyTerms,
        line: &Line,
        on: NaiveDate,
    ) -> Result<Decimal, ServicingError> {
        let owed = line.outstanding()?;
        let late = on.signed_duration_since(line.due_date).num_days();
        let is_late = late > i64::from(terms.grace_days)
            && add(owed.principal, owed.interest)? > self.terms.servicing.arrears.tolerance;
        let earlier = self.penalties_of(&terms.name, line.due_date, None);
        if !is_late || line.kind == LineKind::Additional || (!terms.daily && !earlier.is_empty()) {
            return Ok(Decimal::ZERO);
        }
        let mut basis = match terms.basis {
            FeeBasis::Flat => Decimal::ONE,
            FeeBasis::Amount => owed.principal,
            FeeBasis::Interest => owed.interest,
            FeeBasis::AmountAndInterest => add(owed.principal, owed.interest)?,
            FeeBasis::Disbursement => self.lent_until(None)?,
        };
        if terms.compounding && terms.basis != FeeBasis::Flat {
            for one in self.penalties_since(line.due_date) {
                basis = add(basis, one.outstanding()?)?;
            }
        }
        let mut value = mul(basis, terms.value)?;
        if terms.daily {
            let from = earlier.iter().filter_map(|one| one.due_on).max().unwrap_or(line.due_date);
            let days = Decimal::from(on.signed_duration_since(from).num_days().max(0));
            value = div(mul(value, days)?, Decimal::from(DAYS_IN_YEAR))?;
        }
        let charged = sum_of_values(&earlier)?;
        if let Some(cap) = terms.cap {
            value = value.min(sub(cap, charged)?);
        }
        let rounded = sub(self.round(add(charged, value)?)?, self.round(charged)?)?;
        Ok(if rounded > Decimal::ZERO { value } else { Decimal::ZERO })
    }

    fn charge_penalty(
        &mut self,
        entry: &Entry,
        day: NaiveDate,
        terms: &PenaltyTerms,
        since: NaiveDate,
        value: Decimal,
    ) {
        self.charges.push(Charge {
            id: format!("penalty-{}", self.charges.len() + 1),
            name: terms.name.clone(),
            penalty: true,
            timing: ChargeTiming::Overdue,
            basis: terms.basis,
            value,
            due_on: Some(if terms.daily { day } else { since }),
            overdue_since: Some(since),
            ..Charge::blank(entry.sequence, entry.recorded_on)
        });
    }

    /// What a penalty of the end of a day comes to in whole minor units: by how much it lifts the
    /// rounded sum of those charged for the same instalment.
    pub(crate) fn price_penalty(
        &self,
        charge: &Charge,
        since: NaiveDate,
    ) -> Result<Decimal, ServicingError> {
        let before = sum_of_values(&self.penalties_of(&charge.name, since, Some(&charge.id)))?;
        Ok(sub(self.round(add(before, charge.value)?)?, self.round(before)?)?)
    }

    /// The penalties of a name for the instalment of a due date, those before one of them.
    fn penalties_of(&self, name: &str, since: NaiveDate, before: Option<&str>) -> Vec<&Charge> {
        let earlier = |one: &&Charge| before.is_none_or(|id| one.id != id);
        let named = |one: &&Charge| one.name == name;
        self.penalties_since(since).take_while(earlier).filter(named).collect()
    }

    /// The penalties for the instalment of a due date.
    fn penalties_since(&self, since: NaiveDate) -> impl Iterator<Item = &Charge> {
        self.charges.iter().filter(move |one| one.active && one.overdue_since == Some(since))
    }
}

fn sum_of_values(charges: &[&Charge]) -> Result<Decimal, ServicingError> {
    charges.iter().try_fold(Decimal::ZERO, |sum, one| Ok(add(sum, one.value)?))
}

#[cfg(test)]
mod tests {
    use super::super::super::{Loan, LoanTerms, Operation};
    use super::*;
    use serde_json::{Value, json};

    fn served(penalty: Value, ends_of_day: &[&str]) -> Loan {
        let terms = LoanTerms::from_json(json!({
            "principal": 1000, "annual_rate": "0", "instalments": 2, "disbursed_on": "2024-01-01",
            "penalties": [penalty]
        }))
        .unwrap();
        let mut operations = vec![json!({"type": "disburse", "on": "2024-01-01", "amount": 1000})];
        operations.extend(ends_of_day.iter().map(|on| json!({"type": "end_of_day", "on": on})));
        let operations: Vec<Operation> = serde_json::from_value(Value::Array(operations)).unwrap();
        Loan::fold(terms, &operations).unwrap()
    }

    /// 500 at 10 % for 30 days of 365, whatever days it is charged on.
    #[test]
    fn penalties_by_the_day_come_to_the_whole_however_often_they_are_charged() {
        let penalty = json!({"name": "late", "value": "0.10", "basis": "amount", "daily": true});
        let days: Vec<String> = (2..=29).map(|day| format!("2024-02-{day:02}")).collect();
        let mut days: Vec<&str> = days.iter().map(String::as_str).collect();
        days.extend(["2024-03-01", "2024-03-02"]);
        for days in [days.as_slice(), &["2024-03-02"], &["2024-02-05", "2024-03-02"]] {
            let loan = served(penalty.clone(), days);
            let of_first = |one: &&Charge| one.overdue_since == NaiveDate::from_ymd_opt(2024, 2, 1);
            let sum: Decimal = loan.charges().iter().filter(of_first).map(|one| one.amount).sum();
            assert_eq!(sum.to_string(), "4.11", "{days:?}");
        }
    }

    #[test]
    fn a_penalty_waits_for_its_grace_is_charged_once_and_stops_at_its_cap() {
        let once = json!({"name": "late", "value": "15", "grace_days": 3});
        let charged = |loan: &Loan| loan.outstanding().unwrap().penalty.to_string();
        assert_eq!(charged(&served(once.clone(), &["2024-02-04"])), "0");
        assert_eq!(charged(&served(once, &["2024-02-05", "2024-02-06"])), "15");
        let mut capped =
            json!({"name": "late", "value": "0.365", "basis": "amount", "daily": true});
        assert_eq!(charged(&served(capped.clone(), &["2024-02-02", "2024-02-13"])), "6.00");
        capped["cap"] = json!("5");
        assert_eq!(charged(&served(capped, &["2024-02-02", "2024-02-13"])), "5.00");
    }
}
