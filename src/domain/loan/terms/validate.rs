//! What terms must satisfy before anything is computed from them.

use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;
use serde::Serialize;

use super::{FeeTiming, RoundingFamily, ScheduleTerms, StepTarget};
use crate::domain::decimal;
use crate::domain::limits::{AMOUNT_MAX, ANNUAL_RATE_MAX, INSTALMENTS_MAX, YEAR_MAX, YEAR_MIN};
use crate::domain::money::RoundingMode;

/// Most decimals a currency's minor unit may have.
const MINOR_UNITS_MAX: u32 = 8;
/// Most significant digits the exact arithmetic holds.
const PRECISION_MAX: u32 = 28;
/// Most instalments that may have to be solved anew, over all changes of balance or rate.
const RECASTS_MAX: u64 = 1_000_000;
/// Most problems that are listed; one mistake should not bury the caller.
const PROBLEMS_MAX: usize = 50;

/// One thing that is wrong with terms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where, as a path into the JSON form: `fees[2].value`.
    pub path: String,
    /// What is wrong, with the value.
    pub message: String,
}

/// The problems found so far.
#[derive(Default)]
pub(crate) struct Findings(Vec<Problem>);

impl Findings {
    /// Everything found, or that nothing was.
    pub(crate) fn verdict(self) -> Result<(), Vec<Problem>> {
        if self.0.is_empty() { Ok(()) } else { Err(self.0) }
    }

    pub(crate) fn unless(
        &mut self,
        holds: bool,
        path: impl Into<String>,
        message: impl FnOnce() -> String,
    ) {
        if !holds && self.0.len() < PROBLEMS_MAX {
            self.0.push(Problem { path: path.into(), message: message() });
        }
    }

    fn date(&mut self, date: NaiveDate, path: impl Into<String>) {
        self.unless((YEAR_MIN..=YEAR_MAX).contains(&date.year()), path, || {
            format!("{date} is outside the years {YEAR_MIN} to {YEAR_MAX}")
        });
    }

    fn rate(&mut self, rate: Decimal, path: impl Into<String>) {
        let most = Decimal::from(ANNUAL_RATE_MAX);
        self.unless(rate >= Decimal::ZERO && rate <= most, path, || {
            format!("{rate} is not a rate between 0 and {most} (as a fraction: 0.065 is 6.5 %)")
        });
    }
}

impl ScheduleTerms {
    /// Checks the terms as a whole.
    ///
    /// # Errors
    /// Every problem found, each with its path, up to fifty.
    pub fn validate(&self) -> Result<(), Vec<Problem>> {
        let mut found = Findings::default();
        self.check(&mut found);
        found.verdict()
    }

    /// Adds everything that is wrong with the terms.
    pub(crate) fn check(&self, found: &mut Findings) {
        self.check_rounding(found);
        self.check_amounts(found);
        self.check_rates(found);
        self.check_dates(found);
        self.check_grace(found);
        self.check_variations(found);
        self.check_method(found);
        self.check_fees(found);
    }

    /// An amount must be within range and, where amounts are rounded, whole minor units.
    pub(crate) fn check_amount(&self, found: &mut Findings, amount: Decimal, path: &str) {
        let most = Decimal::from(AMOUNT_MAX);
        found.unless(amount.abs() <= most, path, || format!("{amount} is beyond {most}"));
        let units = self.rounding.minor_units;
        found.unless(
            self.rounding.family == RoundingFamily::None
                || decimal::round(amount, units, RoundingMode::Down) == amount,
            path,
            || format!("{amount} has more than the {units} decimals of the currency"),
        );
    }

    fn check_rounding(&self, found: &mut Findings) {
        let rounding = &self.rounding;
        found.unless(rounding.minor_units <= MINOR_UNITS_MAX, "rounding.minor_units", || {
            format!("{} is more than {MINOR_UNITS_MAX}", rounding.minor_units)
        });
        found.unless(
            (1..=PRECISION_MAX).contains(&rounding.precision),
            "rounding.precision",
            || format!("{} is not between 1 and {PRECISION_MAX}", rounding.precision),
        );
        if let Some(multiple) = rounding.multiple {
            found.unless(multiple > Decimal::ZERO, "rounding.multiple", || {
                format!("{multiple} is not positive")
            });
            self.check_amount(found, multiple, "rounding.multiple");
        }
    }

    fn check_amounts(&self, found: &mut Findings) {
        found.unless(self.principal > Decimal::ZERO, "principal", || {
            format!("{} is not positive", self.principal)
        });
        self.check_amount(found, self.principal, "principal");
        let count = usize::try_from(self.instalments).unwrap_or(usize::MAX);
        found.unless((1..=INSTALMENTS_MAX).contains(&count), "instalments", || {
            format!("{count} is not between 1 and {INSTALMENTS_MAX}")
        });
        if let Some(instalment) = self.instalment {
            found.unless(instalment > Decimal::ZERO, "instalment", || {
                format!("{instalment} is not positive")
            });
            self.check_amount(found, instalment, "instalment");
        }
        found.unless(
            self.balloon.is_zero() || (self.balloon > Decimal::ZERO && self.balloon <= self.lent()),
            "balloon",
            || format!("{} is not between 0 and the amount lent", self.balloon),
        );
        self.check_amount(found, self.balloon, "balloon");
        if let Some(down) = self.down_payment {
            found.unless(down.amount.is_some() != down.fraction.is_some(), "down_payment", || {
                "give either amount or fraction".into()
            });
            if let Some(amount) = down.amount {
                found.unless(
                    amount >= Decimal::ZERO && amount < self.principal,
                    "down_payment.amount",
                    || format!("{amount} is not between 0 and the principal"),
                );
                self.check_amount(found, amount, "down_payment.amount");
            }
            if let Some(fraction) = down.fraction {
                found.unless(
                    fraction >= Decimal::ZERO && fraction < Decimal::ONE,
                    "down_payment.fraction",
                    || format!("{fraction} is not between 0 and 1"),
                );
            }
        }
    }

    /// The principal and all tranches, or zero if the sum is out of range (its parts are reported).
    fn lent(&self) -> Decimal {
        self.disbursements
            .iter()
            .try_fold(self.principal, |sum, tranche| decimal::add(sum, tranche.amount))
            .unwrap_or_default()
    }

    fn check_rates(&self, found: &mut Findings) {
        found.rate(self.annual_rate, "annual_rate");
        let mut last = None;
        for (at, change) in self.rate_changes.iter().enumerate() {
            found.rate(change.annual_rate, format!("rate_changes[{at}].annual_rate"));
            found.date(change.from, format!("rate_changes[{at}].from"));
            found.unless(
                last.is_none_or(|last| last < change.from),
                format!("rate_changes[{at}].from"),
                || format!("{} is not after the change before it", change.from),
            );
            last = Some(change.from);
        }
        let Some(index) = &self.index else { return };
        let bounds = [
            ("index.cap", index.cap),
            ("index.floor", Some(index.floor)),
            ("index.periodic_cap", index.periodic_cap),
            ("index.periodic_floor", index.periodic_floor),
        ];
        for (path, bound) in bounds {
            if let Some(bound) = bound {
                found.rate(bound, path);
            }
        }
        found.unless(index.cap.is_none_or(|cap| cap >= index.floor), "index.cap", || {
            format!("the cap is below the floor {}", index.floor)
        });
        found.unless(self.rate_changes.is_empty(), "index", || {
            "an indexed loan takes its rate changes from the fixings".into()
        });
        let most = Decimal::from(ANNUAL_RATE_MAX);
        found.unless(index.spread.abs() <= most, "index.spread", || "is out of range".into());
        found.unless(index.multiplier.abs() <= most, "index.multiplier", || {
            "is out of range".into()
        });
        let mut last = None;
        for (at, fixing) in index.fixings.iter().enumerate() {
            found.unless(fixing.value.abs() <= most, format!("index.fixings[{at}].value"), || {
                format!("{} is out of range", fixing.value)
            });
            found.date(fixing.from, format!("index.fixings[{at}].from"));
            found.unless(
                last.is_none_or(|last| last < fixing.from),
                format!("index.fixings[{at}].from"),
                || format!("{} is not after the fixing before it", fixing.from),
            );
            last = Some(fixing.from);
        }
    }

    fn check_dates(&self, found: &mut Findings) {
        found.date(self.disbursed_on, "disbursed_on");
        let start = self.starts_on.unwrap_or(self.disbursed_on);
        found.date(start, "starts_on");
        found.unless(start <= self.disbursed_on, "starts_on", || {
            format!("{start} is after the disbursement on {}", self.disbursed_on)
        });
        if let Some(first) = self.first_due_on {
            found.date(first, "first_due_on");
            found.unless(first > start && first >= self.disbursed_on, "first_due_on", || {
                format!("{first} is not after {}", self.disbursed_on)
            });
        }
        if let Some(last) = self.last_due_on {
            found.date(last, "last_due_on");
            found.unless(last > self.first_due_on.unwrap_or(start), "last_due_on", || {
                format!("{last} is not after the first period")
            });
        }
        self.check_explicit_dates(found, start);
    }

    fn check_explicit_dates(&self, found: &mut Findings, start: NaiveDate) {
        let explicit = &self.due_dates.explicit;
        if explicit.is_empty() {
            return;
        }
        let count = usize::try_from(self.instalments).unwrap_or(usize::MAX);
        found.unless(explicit.len() == count, "due_dates.explicit", || {
            format!("{} dates for {count} instalments", explicit.len())
        });
        let mut last = start;
        for (at, &date) in explicit.iter().enumerate() {
            found.date(date, format!("due_dates.explicit[{at}]"));
            found.unless(date > last, format!("due_dates.explicit[{at}]"), || {
                format!("{date} is not after {last}")
            });
            last = date;
        }
    }

    fn check_variations(&self, found: &mut Findings) {
        if let Some(step) = self.step {
            found.unless(step.every > 0, "step.every", || "0 is not positive".into());
            found.unless(step.amount.is_some() != step.fraction.is_some(), "step", || {
                "give either amount or fraction".into()
            });
            if let Some(fraction) = step.fraction {
                found.unless(
                    fraction > Decimal::NEGATIVE_ONE && fraction <= Decimal::TEN,
                    "step.fraction",
                    || format!("{fraction} is not between -1 and 10"),
                );
            }
            if let Some(amount) = step.amount {
                self.check_amount(found, amount, "step.amount");
            }
            found.unless(step.of.is_none_or(|of| of == self.step_target()), "step.of", || {
                "the method does not fix that amount".into()
            });
        }
        self.check_custom(found);
        for (at, tranche) in self.disbursements.iter().enumerate() {
            let path = format!("disbursements[{at}].amount");
            found.unless(tranche.amount > Decimal::ZERO, path.clone(), || {
                format!("{} is not positive", tranche.amount)
            });
            self.check_amount(found, tranche.amount, &path);
            found.date(tranche.on, format!("disbursements[{at}].on"));
            found.unless(
                tranche.on >= self.disbursed_on,
                format!("disbursements[{at}].on"),
                || format!("{} is before the first disbursement", tranche.on),
            );
        }
        found.unless(self.disbursements.len() <= INSTALMENTS_MAX, "disbursements", || {
            format!("{} are more than {INSTALMENTS_MAX}", self.disbursements.len())
        });
    }

    fn check_grace(&self, found: &mut Findings) {
        let grace = &self.grace;
        for (path, count) in [
            ("grace.principal", grace.principal),
            ("grace.interest_payment", grace.interest_payment),
            ("grace.moratorium", grace.moratorium),
        ] {
            found.unless(count == 0 || count < self.instalments, path, || {
                format!("{count} leaves none of {} instalments", self.instalments)
            });
        }
        found.unless(grace.interest_free <= self.instalments, "grace.interest_free", || {
            format!("{} is more than {} instalments", grace.interest_free, self.instalments)
        });
        found.unless(
            grace.recurring_principal < self.instalments.max(1),
            "grace.recurring_principal",
            || format!("{} is not less than the instalments", grace.recurring_principal),
        );
        if let Some(from) = grace.interest_from {
            found.date(from, "grace.interest_from");
        }
    }

    /// What goes together with the method, so that no term is without effect.
    fn check_method(&self, found: &mut Findings) {
        use super::Method::{Annuity, Bullet, EqualPrincipal, Flat, SimpleInterest};
        let follows_balance = !matches!(self.method, Flat | SimpleInterest);
        let method = self.method;
        found.unless(
            self.instalment.is_none() || matches!(method, Annuity | SimpleInterest),
            "instalment",
            || "an agreed instalment belongs to the method annuity or simple_interest".into(),
        );
        found.unless(
            self.step.is_none()
                || matches!(method, Annuity | SimpleInterest | EqualPrincipal | Flat),
            "step",
            || "nothing of this method grows in steps".into(),
        );
        found.unless(
            self.balloon.is_zero() || matches!(method, Annuity | EqualPrincipal | Flat),
            "balloon",
            || "the method leaves its own principal for the end".into(),
        );
        found.unless(
            !self.interest.capitalise || method == Bullet,
            "interest.capitalise",
            || "only the interest of a bullet is capitalised; see also grace.capitalise and                 negative_amortisation".into(),
        );
        found.unless(!self.grace.spread || !follows_balance, "grace.spread", || {
            "only interest that does not follow the balance can be spread".into()
        });
        if !follows_balance {
            let tranches = method == Flat && self.rounding.family == RoundingFamily::Cumulative;
            for (given, path) in [
                (!self.disbursements.is_empty() && !tranches, "disbursements"),
                (!self.rate_changes.is_empty(), "rate_changes"),
                (self.index.is_some(), "index"),
                (self.grace.capitalise, "grace.capitalise"),
            ] {
                found.unless(!given, path, || {
                    "interest of this method does not follow the balance".into()
                });
            }
        }
        let rows = u64::from(self.instalments);
        let changes = self.disbursements.len()
            + self.rate_changes.len()
            + self.index.as_ref().map_or(0, |index| index.fixings.len());
        found.unless((changes as u64).saturating_mul(rows) <= RECASTS_MAX, "disbursements", || {
            format!("{changes} changes of balance or rate over {rows} instalments are too many")
        });
    }

    fn check_custom(&self, found: &mut Findings) {
        let mut last = 0;
        for (at, custom) in self.custom.iter().enumerate() {
            let path = format!("custom[{at}]");
            found.unless(
                (1..=self.instalments).contains(&custom.number),
                format!("{path}.number"),
                || format!("there is no instalment {}", custom.number),
            );
            found.unless(custom.number > last, format!("{path}.number"), || {
                format!("{} is not after the number before it", custom.number)
            });
            last = custom.number;
            let given = [custom.instalment.is_some(), custom.principal.is_some(), custom.skip];
            found.unless(given.iter().filter(|is| **is).count() == 1, path.clone(), || {
                "give exactly one of instalment, principal and skip".into()
            });
            for (name, amount) in
                [("instalment", custom.instalment), ("principal", custom.principal)]
            {
                if let Some(amount) = amount {
                    let path = format!("{path}.{name}");
                    found.unless(amount >= Decimal::ZERO, path.clone(), || {
                        format!("{amount} is negative")
                    });
                    self.check_amount(found, amount, &path);
                }
            }
        }
    }

    fn check_fees(&self, found: &mut Findings) {
        for (at, fee) in self.fees.iter().enumerate() {
            let path = format!("fees[{at}]");
            found.unless(fee.value >= Decimal::ZERO, format!("{path}.value"), || {
                format!("{} is negative", fee.value)
            });
            found.unless(fee.value <= Decimal::from(AMOUNT_MAX), format!("{path}.value"), || {
                format!("{} is beyond {AMOUNT_MAX}", fee.value)
            });
            found.unless(
                (fee.charged == FeeTiming::OnDate) == fee.on.is_some(),
                format!("{path}.on"),
                || "a date belongs to a fee charged on a date, and only to it".into(),
            );
            if let Some(on) = fee.on {
                found.date(on, format!("{path}.on"));
            }
        }
    }

    /// What a step of this method changes.
    pub(crate) fn step_target(&self) -> StepTarget {
        use super::Method::{Annuity, Bullet, EqualPrincipal, Flat, InterestOnly, SimpleInterest};
        match self.method {
            Annuity | InterestOnly | Bullet | SimpleInterest => StepTarget::Instalment,
            EqualPrincipal | Flat => StepTarget::Principal,
        }
    }
}
