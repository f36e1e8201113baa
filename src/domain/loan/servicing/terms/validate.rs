//! What a loan's terms must satisfy as a whole.

use rust_decimal::Decimal;
use serde_json::Value;

use super::super::state::amounts::Component;
use super::super::state::transaction::TransactionKind;
use super::super::terms::{
    AllocationRule, LoanTerms, PenaltyTerms, PrepaymentEffect, Recalculation, Target, When,
};
use crate::domain::limits::AMOUNT_MAX;
use crate::domain::loan::terms::{FeeBasis, Findings, Method, Problem};
use crate::domain::money;

/// The version of the form these terms are in.
const VERSION: u32 = 1;
/// Most days of grace, and most days past due that a class of delinquency may name: a century.
const DAYS_MAX: u32 = 36_525;

impl LoanTerms {
    /// Checks the terms as a whole, the schedule's and the servicing's.
    ///
    /// # Errors
    /// Every problem found, each with its path, up to fifty.
    pub fn validate(&self) -> Result<(), Vec<Problem>> {
        let mut found = Findings::default();
        self.schedule.check(&mut found);
        self.check_form(&mut found);
        self.check_allocation(&mut found);
        self.check_prepayment(&mut found);
        self.check_arrears(&mut found);
        self.check_penalties(&mut found);
        self.check_delinquency(&mut found);
        self.check_refunds(&mut found);
        found.verdict()
    }

    /// Everything that is wrong with terms in JSON: nothing for terms a loan can be opened with.
    pub fn problems(document: Value) -> Vec<Problem> {
        match Self::from_json(document) {
            Err(problem) => vec![problem],
            Ok(terms) => terms.validate().err().unwrap_or_default(),
        }
    }

    fn check_form(&self, found: &mut Findings) {
        let servicing = &self.servicing;
        found.unless(servicing.version == VERSION, "version", || {
            format!(
                "{} is not a version of these terms, of which there is {VERSION}",
                servicing.version
            )
        });
        if let Some(code) = &servicing.currency {
            found.unless(money::currency(code).is_ok(), "currency", || {
                format!(
                    "\"{}\" is not a currency of ISO 4217",
                    code.chars().take(80).collect::<String>()
                )
            });
        }
        found.unless(servicing.lend_beyond >= Decimal::ZERO, "lend_beyond", || {
            format!("{} is negative", servicing.lend_beyond)
        });
        self.schedule.check_amount(found, servicing.lend_beyond, "lend_beyond");
    }

    fn check_allocation(&self, found: &mut Findings) {
        let terms = &self.servicing.allocation;
        check_rule(found, &terms.default, "allocation.default.order");
        for (at, own) in terms.by_transaction.iter().enumerate() {
            let path = format!("allocation.by_transaction[{at}]");
            check_rule(found, &own.rule, &format!("{path}.order"));
            found.unless(own.transaction.is_payment(), format!("{path}.transaction"), || {
                "only payments have an order of payment".into()
            });
            let earlier = terms.by_transaction.iter().take(at);
            let again = earlier.into_iter().any(|one| one.transaction == own.transaction);
            found.unless(!again, format!("{path}.transaction"), || "is given twice".into());
        }
        let order = &terms.chargeback;
        let complete = order.len() == Component::ALL.len()
            && Component::ALL.iter().all(|component| order.contains(component));
        found.unless(order.is_empty() || complete, "allocation.chargeback", || {
            "must name principal, interest, fee and penalty once each, or nothing".into()
        });
    }

    /// What paying early changes is a term of fixed schedules whose interest follows payments; it is
    /// refused where it would say nothing.
    fn check_prepayment(&self, found: &mut Findings) {
        let terms = &self.servicing.recalculation;
        if terms.prepayment == PrepaymentEffect::LastInstalment {
            return;
        }
        let path = "recalculation.prepayment";
        found.unless(!self.schedule.is_plain_progressive(), path, || {
            "is last_instalment of progressive loans; allocation.default.future says which \
             instalments a payment ahead of time pays"
                .into()
        });
        found.unless(terms.interest != Recalculation::None, path, || {
            "says nothing where recalculation.interest is none".into()
        });
        let given = matches!(self.schedule.method, Method::Flat | Method::SimpleInterest);
        found.unless(!given, path, || "says nothing where interest is known from the start".into());
    }

    fn check_arrears(&self, found: &mut Findings) {
        let arrears = &self.servicing.arrears;
        check_days(found, arrears.grace_days, "arrears.grace_days");
        found.unless(arrears.tolerance >= Decimal::ZERO, "arrears.tolerance", || {
            format!("{} is negative", arrears.tolerance)
        });
        self.schedule.check_amount(found, arrears.tolerance, "arrears.tolerance");
    }

    fn check_penalties(&self, found: &mut Findings) {
        for (at, penalty) in self.servicing.penalties.iter().enumerate() {
            let path = format!("penalties[{at}]");
            let PenaltyTerms { name, value, basis, grace_days, daily, cap, compounding } = penalty;
            found.unless(!name.trim().is_empty(), format!("{path}.name"), || "is empty".into());
            let most = Decimal::from(AMOUNT_MAX);
            found.unless(*value > Decimal::ZERO && *value <= most, format!("{path}.value"), || {
                format!("{value} is not between 0 and {most}")
            });
            check_days(found, *grace_days, format!("{path}.grace_days"));
            let flat = *basis == FeeBasis::Flat;
            found.unless(!(flat && *daily), format!("{path}.daily"), || {
                "a flat penalty does not run by the day".into()
            });
            found.unless(!(flat && *compounding), format!("{path}.compounding"), || {
                "a flat penalty has no basis".into()
            });
            if let Some(cap) = cap {
                let path = format!("{path}.cap");
                found.unless(*cap > Decimal::ZERO, path.clone(), || {
                    format!("{cap} is not positive")
                });
                self.schedule.check_amount(found, *cap, &path);
            }
        }
    }

    /// Classes follow one another, and only the last may be open.
    fn check_delinquency(&self, found: &mut Findings) {
        let classes = &self.servicing.delinquency;
        let mut next = 0;
        for (at, class) in classes.iter().enumerate() {
            let path = format!("delinquency[{at}]");
            let known = classes.iter().take(at).any(|one| one.name == class.name);
            let named = !class.name.trim().is_empty() && !known;
            found.unless(named, format!("{path}.name"), || "is empty or given twice".into());
            found.unless(class.from_days >= next, format!("{path}.from_days"), || {
                format!("{} is in the class before", class.from_days)
            });
            check_days(found, class.from_days, format!("{path}.from_days"));
            let last = at + 1 == classes.len();
            found.unless(class.to_days.is_some() || last, format!("{path}.to_days"), || {
                "only the last class may be open".into()
            });
            if let Some(to) = class.to_days {
                found.unless(to >= class.from_days, format!("{path}.to_days"), || {
                    format!("{to} is before {}", class.from_days)
                });
                check_days(found, to, format!("{path}.to_days"));
                next = to.saturating_add(1);
            }
        }
    }

    fn check_refunds(&self, found: &mut Findings) {
        use TransactionKind::{MerchantRefund, PayoutRefund};
        let kinds = &self.servicing.interest_refund;
        for (at, kind) in kinds.iter().enumerate() {
            let path = format!("interest_refund[{at}]");
            found.unless(matches!(kind, MerchantRefund | PayoutRefund), path.clone(), || {
                "is neither merchant_refund nor payout_refund".into()
            });
            let again = kinds.iter().take(at).any(|one| one == kind);
            found.unless(!again, path, || "is given twice".into());
        }
    }
}

/// An order of payment names everything that can be owed once, so that no money is left over while
/// something is owed.
fn check_rule(found: &mut Findings, rule: &AllocationRule, path: &str) {
    for (at, target) in rule.order.iter().enumerate() {
        let again = rule.order.iter().take(at).any(|one| one == target);
        found.unless(!again, format!("{path}[{at}]"), || "is given twice".into());
    }
    for when in [When::PastDue, When::Due, When::InAdvance] {
        for component in Component::ALL {
            let target = Target { when, component };
            found.unless(rule.order.contains(&target), path, || {
                format!("{} is missing", String::from(target))
            });
        }
    }
}

fn check_days(found: &mut Findings, days: u32, path: impl Into<String>) {
    found.unless(days <= DAYS_MAX, path, || format!("{days} days are more than {DAYS_MAX}"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_value_is_checked_where_it_stands() {
        let found = |servicing: Value| {
            let mut all = json!({"principal": 100, "annual_rate": "0.1", "instalments": 3,
                                 "disbursed_on": "2024-01-31"});
            all.as_object_mut().unwrap().extend(servicing.as_object().unwrap().clone());
            LoanTerms::problems(all).into_iter().map(|problem| problem.path).collect::<Vec<_>>()
        };
        assert_eq!(found(json!({})), [""; 0]);
        for (path, servicing) in [
            ("version", json!({"version": 2})),
            ("currency", json!({"currency": "XYZ"})),
            ("lend_beyond", json!({"lend_beyond": "-1"})),
            ("lend_beyond", json!({"lend_beyond": "0.001"})),
            ("arrears.grace_days", json!({"arrears": {"grace_days": 40_000}})),
            ("arrears.tolerance", json!({"arrears": {"tolerance": -1}})),
            ("allocation.chargeback", json!({"allocation": {"chargeback": ["interest"]}})),
            (
                "allocation.by_transaction[0].transaction",
                json!({"allocation": {"by_transaction": [{"transaction": "charge_off"}]}}),
            ),
            ("penalties[0].value", json!({"penalties": [{"name": "late", "value": 0}]})),
            (
                "penalties[0].daily",
                json!({"penalties": [{"name": "a", "value": 1, "daily": true}]}),
            ),
            (
                "delinquency[0].to_days",
                json!({"delinquency": [
                {"name": "a", "from_days": 1}, {"name": "b", "from_days": 30}]}),
            ),
            (
                "delinquency[1].from_days",
                json!({"delinquency": [
                {"name": "a", "from_days": 1, "to_days": 30}, {"name": "b", "from_days": 30}]}),
            ),
            ("interest_refund[0]", json!({"interest_refund": ["repayment"]})),
            (
                "recalculation.prepayment",
                json!({"recalculation": {"interest": "daily", "prepayment": "next_due"}}),
            ),
            (
                "recalculation.prepayment",
                json!({"rounding": {"family": "cumulative"},
                    "recalculation": {"prepayment": "next_due"}}),
            ),
            (
                "recalculation.prepayment",
                json!({"rounding": {"family": "cumulative"}, "method": "flat",
                    "recalculation": {"interest": "daily", "prepayment": "next_due"}}),
            ),
        ] {
            assert_eq!(found(servicing.clone()), [path], "{servicing}");
        }
        let order = json!({"allocation": {"default": {"order": ["due_fee", "due_fee"]}}});
        assert_eq!(found(order).len(), 12);
    }
}
