//! What the parties agree: everything from which a schedule follows.
//!
//! [`ScheduleTerms`] is plain data with a JSON form: names in snake_case, dates as ISO 8601,
//! decimals as strings or numbers (strings keep every digit), unknown names refused. Simple terms
//! are simple: four values are required, everything else has the market's usual default.
//!
//! All rates and shares are fractions: 0.065 is 6.5 per cent.

mod amounts;
mod dates;
mod fees;
mod grace;
mod interest;
mod json;
mod rates;
mod rounding;
mod validate;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::domain::calendar::{DayCount, Frequency};

pub use amounts::{
    CustomInstalment, Disbursement, DownPayment, Method, NegativeAmortisation, Step, StepTarget,
};
pub use dates::DueDates;
pub use fees::{Fee, FeeBasis, FeeTiming};
pub use grace::Grace;
pub use interest::{DaysInMonth, DaysInYear, Interest, InterestPeriod, LeapDay, YearEnd};
pub(crate) use json::{no_object, spell_out_numbers};
pub(crate) use rates::{DatedRate, RateCourse};
pub use rates::{Fixing, IndexedRate, RateChange, RateQuote};
pub use rounding::{Levelling, Residue, Rounding, RoundingFamily};
pub(crate) use validate::Findings;
pub use validate::Problem;

/// The terms of one loan's schedule.
///
/// Required are the amount lent, the annual rate, the number of instalments and the day of
/// disbursement; see [`ScheduleTerms::new`]. In JSON:
///
/// ```json
/// {"principal": "250000", "annual_rate": "0.065", "instalments": 360, "disbursed_on": "2024-01-31"}
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleTerms {
    /// The amount lent on `disbursed_on`, in currency units; later tranches are `disbursements`.
    pub principal: Decimal,
    /// The nominal annual rate as a fraction, until a rate change or an index fixing replaces it.
    /// A rate quoted otherwise is converted by [`RateQuote::annual`].
    pub annual_rate: Decimal,
    /// How many instalments are agreed. Down payments are not counted.
    pub instalments: u32,
    /// The day the principal is lent, from which the first period runs.
    pub disbursed_on: NaiveDate,
    /// How often an instalment is due: `monthly`, `biweekly`, `every 15 days`, `P3M`.
    #[serde(default = "monthly")]
    pub frequency: Frequency,
    /// The first due date, where the first period is odd; otherwise one period after
    /// `starts_on`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_due_on: Option<NaiveDate>,
    /// The start of the first period where it is not the day of disbursement (the day of
    /// application, for instance); not after `disbursed_on`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_on: Option<NaiveDate>,
    /// The last due date, where the length of the loan is fixed and the last period is odd.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_due_on: Option<NaiveDate>,
    /// How due dates fall: month ends, business days, explicit dates.
    #[serde(default, skip_serializing_if = "is_default")]
    pub due_dates: DueDates,
    /// How principal is repaid.
    #[serde(default, skip_serializing_if = "is_default")]
    pub method: Method,
    /// The instalment where it is agreed rather than solved; the last one takes the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instalment: Option<Decimal>,
    /// Principal that remains for the last due date on top of the regular last instalment.
    #[serde(default, skip_serializing_if = "Decimal::is_zero")]
    pub balloon: Decimal,
    /// Instalments or principal parts that grow or shrink every so many periods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Step>,
    /// Instalments that are skipped or have an amount of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub custom: Vec<CustomInstalment>,
    /// What happens to interest that an instalment does not cover.
    #[serde(default, skip_serializing_if = "is_default")]
    pub negative_amortisation: NegativeAmortisation,
    /// Periods at the start without principal, without interest payment or without interest.
    #[serde(default, skip_serializing_if = "is_default")]
    pub grace: Grace,
    /// The part of every disbursement that is paid back on the day it is lent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub down_payment: Option<DownPayment>,
    /// Tranches after the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disbursements: Vec<Disbursement>,
    /// Changes of the annual rate on dates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rate_changes: Vec<RateChange>,
    /// An index with a spread that sets the rate on the dates of its fixings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<IndexedRate>,
    /// Whether the instalment is solved anew when the rate or the balance changes. If not, it
    /// stays and the last instalment takes the difference.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub recast: bool,
    /// How interest is counted.
    #[serde(default, skip_serializing_if = "is_default")]
    pub interest: Interest,
    /// How amounts are rounded.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rounding: Rounding,
    /// Fees charged with the loan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fees: Vec<Fee>,
}

impl ScheduleTerms {
    /// Whether they are those of the progressive calculator: an annuity without anything that makes
    /// instalments differ.
    pub(crate) fn is_plain_progressive(&self) -> bool {
        self.has_equal_instalments()
            && self.negative_amortisation == NegativeAmortisation::Refuse
            && self.interest.day_count != Some(DayCount::Bus252)
    }

    /// The same whatever is said of interest.
    pub(crate) fn has_equal_instalments(&self) -> bool {
        let grace = Grace { principal: 0, ..self.grace };
        self.rounding.family == RoundingFamily::Progressive
            && self.rounding.residue == Residue::Last
            && self.method == Method::Annuity
            && self.balloon.is_zero()
            && self.step.is_none()
            && self.custom.is_empty()
            && grace == Grace::default()
    }

    /// An annuity loan with monthly instalments on a 30/360 basis, in cents: `principal` at
    /// `annual_rate` (a fraction) over `instalments` months from `disbursed_on`.
    pub fn new(
        principal: Decimal,
        annual_rate: Decimal,
        instalments: u32,
        disbursed_on: NaiveDate,
    ) -> Self {
        Self {
            principal,
            annual_rate,
            instalments,
            disbursed_on,
            frequency: Frequency::MONTHLY,
            first_due_on: None,
            starts_on: None,
            last_due_on: None,
            due_dates: DueDates::default(),
            method: Method::default(),
            instalment: None,
            balloon: Decimal::ZERO,
            step: None,
            custom: Vec::new(),
            negative_amortisation: NegativeAmortisation::default(),
            grace: Grace::default(),
            down_payment: None,
            disbursements: Vec::new(),
            rate_changes: Vec::new(),
            index: None,
            recast: true,
            interest: Interest::default(),
            rounding: Rounding::default(),
            fees: Vec::new(),
        }
    }
}

pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn monthly() -> Frequency {
    Frequency::MONTHLY
}

fn yes() -> bool {
    true
}

fn is_true(value: &bool) -> bool {
    *value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ScheduleTerms, Problem> {
        ScheduleTerms::from_json(serde_json::from_str(text).unwrap())
    }

    fn simple() -> ScheduleTerms {
        read(
            r#"{"principal": 250000, "annual_rate": "0.065", "instalments": 360,
                "disbursed_on": "2024-01-31"}"#,
        )
        .unwrap()
    }

    #[test]
    fn four_values_are_enough_and_come_back_as_they_were() {
        let terms = simple();
        let on = NaiveDate::from_ymd_opt(2024, 1, 31).unwrap();
        let built = ScheduleTerms::new(Decimal::from(250_000), "0.065".parse().unwrap(), 360, on);
        assert_eq!(terms, built);
        assert_eq!(terms.validate(), Ok(()));
        let text = serde_json::to_string(&terms).unwrap();
        assert_eq!(serde_json::from_str::<ScheduleTerms>(&text).unwrap(), terms);
        assert_eq!(
            text,
            r#"{"principal":"250000","annual_rate":"0.065","instalments":360,"disbursed_on":"2024-01-31","frequency":"monthly"}"#
        );
    }

    #[test]
    fn everything_has_a_json_form() {
        let text = r#"{
            "principal": "1000.50", "annual_rate": 0.12, "instalments": 12,
            "disbursed_on": "2024-01-15", "first_due_on": "2024-03-01",
            "frequency": "every 2 weeks", "method": "equal_principal",
            "balloon": "100", "step": {"every": 6, "fraction": "-0.1"},
            "custom": [{"number": 3, "skip": true}, {"number": 4, "instalment": 50}],
            "negative_amortisation": "capitalise",
            "grace": {"principal": 2, "interest_payment": 1, "capitalise": true},
            "down_payment": {"fraction": 0.25},
            "disbursements": [{"on": "2024-04-01", "amount": 10}],
            "index": {"spread": "0.02", "cap": 0.2,
                      "fixings": [{"from": "2024-06-01", "value": "0.04"}]},
            "recast": false,
            "interest": {"days_in_month": "actual", "days_in_year": 365,
                         "leap_day": "feb_29_period_only", "year_end": "january_1",
                         "period": "same_as_repayment", "partial_periods": false},
            "rounding": {"family": "cumulative", "mode": "half_up", "minor_units": 3,
                         "precision": 12, "multiple": 1, "multiple_mode": "ceiling",
                         "levelling": "remainder", "residue": "first"},
            "due_dates": {"roll": "first_day_of_next_month", "weekend": ["Fri", "Sat"],
                          "business_day": "modified_following unadjusted", "holidays": ["2024-12-25"]},
            "fees": [{"name": "service", "value": "0.01", "basis": "amount_and_interest"},
                     {"value": 15, "charged": "on_date", "on": "2024-05-01"}]
        }"#;
        let terms = read(text).unwrap();
        assert_eq!(terms.validate(), Ok(()));
        let again: ScheduleTerms =
            serde_json::from_str(&serde_json::to_string(&terms).unwrap()).unwrap();
        assert_eq!(again, terms);
    }

    #[test]
    fn unknown_names_are_refused_where_they_stand() {
        let with = |more: &str| {
            format!(
                r#"{{"principal": 1, "annual_rate": 0, "instalments": 1,
                    "disbursed_on": "2024-01-31", {more}}}"#
            )
        };
        for (more, complaint) in [
            (r#""colour": "red""#, "unknown field `colour`"),
            (r#""method": "balloon""#, "unknown variant `balloon`"),
            (r#""grace": {"days": 3}"#, "unknown field `days`"),
            (r#""frequency": "hourly""#, "unknown frequency: \"hourly\""),
            (r#""interest": {"days_in_year": 366}"#, "unknown days in year \"366\""),
        ] {
            let error = read(&with(more)).unwrap_err();
            assert!(error.message.contains(complaint), "{error:?}");
        }
    }

    #[test]
    fn every_problem_is_reported_with_its_path() {
        let mut terms = simple();
        terms.principal = "-1.001".parse().unwrap();
        terms.instalments = 0;
        terms.annual_rate = Decimal::from(20_000);
        terms.first_due_on = Some(terms.disbursed_on);
        terms.fees.push(Fee {
            name: None,
            value: Decimal::NEGATIVE_ONE,
            basis: FeeBasis::Flat,
            charged: FeeTiming::OnDate,
            on: None,
        });
        let paths: Vec<String> =
            terms.validate().unwrap_err().into_iter().map(|problem| problem.path).collect();
        for path in [
            "principal",
            "instalments",
            "annual_rate",
            "first_due_on",
            "fees[0].value",
            "fees[0].on",
        ] {
            assert!(paths.iter().any(|found| found == path), "{path} not in {paths:?}");
        }
    }
}
