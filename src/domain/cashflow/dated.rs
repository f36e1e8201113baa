//! Present value and rate of return of flows on dates: `xnpv` and `xirr`.
//!
//! The present value at rate r is the sum of `amount (1 + r)^-t`, where t is the time in years
//! from the earliest date by the day count, ACT/365F unless another is asked for; spreadsheets use
//! the same equation. Which rate is meant where several solve it, and when there is none, is
//! written in [`DatedFlows::xirr`].

use chrono::NaiveDate;

use super::CashflowError;
use super::error::finite;
use super::rate_of_return::{BothSides, Flows};
use crate::domain::calendar::civil::{date_of, day_number};
use crate::domain::calendar::{DayCount, DayCountContext, fraction};
use crate::domain::limits::CASH_FLOWS_MAX;

/// Flows on dates, sorted and summed by date once, to be valued at many rates.
#[derive(Clone, Debug)]
pub struct DatedFlows {
    /// None if every date's flows cancel.
    flows: Option<Flows>,
    base: NaiveDate,
}

impl DatedFlows {
    /// Flows in any order: the result does not depend on it, to the last bit.
    ///
    /// # Errors
    /// [`CashflowError::Missing`] for no flow, [`CashflowError::TooManyFlows`] above
    /// [`CASH_FLOWS_MAX`], [`CashflowError::NotFinite`] with the place of the flow,
    /// [`CashflowError::OutOfRange`] for amounts too large to be summed, and what the day count
    /// refuses.
    pub fn new(
        flows: &[(NaiveDate, f64)],
        day_count: DayCount,
        context: &DayCountContext<'_>,
    ) -> Result<Self, CashflowError> {
        let mut days = Vec::with_capacity(flows.len());
        for (index, &(date, amount)) in flows.iter().enumerate() {
            days.push((day_number(date), finite(amount, "a cash flow", Some(index + 1))?));
        }
        Self::of_days(days, day_count, context)
    }

    /// The same of day numbers and finite amounts.
    pub(super) fn of_days(
        mut days: Vec<(i32, f64)>,
        day_count: DayCount,
        context: &DayCountContext<'_>,
    ) -> Result<Self, CashflowError> {
        if days.len() > CASH_FLOWS_MAX {
            return Err(CashflowError::TooManyFlows { count: days.len() });
        }
        // Amounts of one day are put in order too, so that their sum is the same in any order.
        let order = |a: &(i32, f64), b: &(i32, f64)| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1));
        if !days.is_sorted_by(|a, b| order(a, b).is_le()) {
            days.sort_unstable_by(order);
        }
        let first = days.first().ok_or(CashflowError::Missing { what: "cash flow" })?.0;
        let base = date_of(first)?;
        let flows = match days_per_year(day_count) {
            Some(per_year) => Flows::new(
                days.iter().map(|&(day, amount)| (f64::from(day - first), amount)),
                per_year,
            ),
            None => {
                let (times, per_year) = times_by_fraction(&days, base, day_count, context)?;
                Flows::new(times, per_year)
            }
        };
        Ok(Self { flows: flows?, base })
    }

    /// The earliest date, to which [`DatedFlows::npv`] discounts.
    pub fn base(&self) -> NaiveDate {
        self.base
    }

    /// The present value on the earliest date at an effective annual rate.
    ///
    /// # Errors
    /// [`CashflowError::RateTooLow`] at or below minus one, [`CashflowError::NotFinite`], and
    /// [`CashflowError::OutOfRange`] for a value no double holds.
    pub fn npv(&self, rate: f64) -> Result<f64, CashflowError> {
        Ok(self.npv_and_derivative(rate)?.0)
    }

    /// The present value and its derivative with respect to the rate.
    ///
    /// # Errors
    /// As [`DatedFlows::npv`].
    pub fn npv_and_derivative(&self, rate: f64) -> Result<(f64, f64), CashflowError> {
        let force = force_of(rate)?;
        let Some(flows) = &self.flows else { return Ok((0.0, 0.0)) };
        let (value, slope) = flows.value_at(force);
        // From the first date whose flows do not cancel to the earliest date.
        let wait = flows.delay();
        let discount = (-force * wait).exp();
        let value_today = value * discount;
        let derivative = (slope - wait * value) * discount / (1.0 + rate);
        if !(value_today.is_finite() && derivative.is_finite()) {
            return Err(CashflowError::OutOfRange { what: "the present value" });
        }
        Ok((value_today, derivative))
    }

    /// The effective annual rate at which the present value is zero; None if there is none.
    ///
    /// Flows whose sign changes once have one rate. Where several solve the equation, the choice
    /// is, with the distance of a rate from zero measured as `|ln(1 + r)|`:
    ///
    /// 1. if the flows sum to zero, zero;
    /// 2. if more is received than paid, the smallest positive rate, unless it is above 10,000 per
    ///    cent; then the rate nearest to zero;
    /// 3. if less is received than paid, the negative rate nearest to zero, unless a positive one
    ///    is less than half as far away.
    ///
    /// [`DatedFlows::rates`] lists them all. None is given for flows of one sign; where no rate
    /// solves the equation; where the sign changes more than once and the only rates that solve it
    /// lie so far below zero that the last flow weighs more than 10^15 times the first, which then
    /// is less than the rounding of the last; and where the rate is too close to minus one, or too
    /// large, for a double to tell.
    ///
    /// `ln(1 + r)` is right to the last digits that the flows, as doubles, allow, and the present
    /// value at it is verified to vanish in the rounding of its terms.
    ///
    /// # Errors
    /// [`CashflowError::NotVerified`] if it does not; no flows that do this are known.
    pub fn xirr(&self) -> Result<Option<f64>, CashflowError> {
        match self.flows.as_ref().and_then(BothSides::of) {
            Some(sides) => sides.rate(),
            None => Ok(None),
        }
    }

    /// Every rate between minus one and the largest double at which the present value is zero, in
    /// order.
    ///
    /// # Errors
    /// As [`DatedFlows::xirr`].
    pub fn rates(&self) -> Result<Vec<f64>, CashflowError> {
        match self.flows.as_ref().and_then(BothSides::of) {
            Some(sides) => sides.all_rates(),
            None => Ok(Vec::new()),
        }
    }
}

/// The present value of flows on dates at an effective annual rate: see [`DatedFlows::npv`].
///
/// # Errors
/// As [`DatedFlows::new`] and [`DatedFlows::npv`].
pub fn xnpv(
    rate: f64,
    flows: &[(NaiveDate, f64)],
    day_count: DayCount,
    context: &DayCountContext<'_>,
) -> Result<f64, CashflowError> {
    DatedFlows::new(flows, day_count, context)?.npv(rate)
}

/// The rate of return of flows on dates: see [`DatedFlows::xirr`].
///
/// # Errors
/// As [`DatedFlows::new`] and [`DatedFlows::xirr`].
pub fn xirr(
    flows: &[(NaiveDate, f64)],
    day_count: DayCount,
    context: &DayCountContext<'_>,
) -> Result<Option<f64>, CashflowError> {
    DatedFlows::new(flows, day_count, context)?.xirr()
}

/// The force of interest `ln(1 + r)` of a rate above minus one.
pub(super) fn force_of(rate: f64) -> Result<f64, CashflowError> {
    finite(rate, "the rate", None)?;
    if rate <= -1.0 {
        return Err(CashflowError::RateTooLow { rate: rate.to_string(), above: "-1".into() });
    }
    Ok(rate.ln_1p())
}

/// Days in a year of the day counts that only count days.
fn days_per_year(day_count: DayCount) -> Option<f64> {
    match day_count {
        DayCount::Act365Fixed => Some(365.0),
        DayCount::Act360 => Some(360.0),
        DayCount::Act364 => Some(364.0),
        DayCount::Act366 => Some(366.0),
        DayCount::Act336 => Some(336.0),
        DayCount::Act36525 => Some(365.25),
        _ => None,
    }
}

/// Times by a day count's fractions: whole units where all denominators agree, as 360 does for
/// the 30/360 family, and years where they do not.
fn times_by_fraction(
    days: &[(i32, f64)],
    base: NaiveDate,
    day_count: DayCount,
    context: &DayCountContext<'_>,
) -> Result<(Vec<(f64, f64)>, f64), CashflowError> {
    let mut fractions = Vec::with_capacity(days.len());
    for &(day, amount) in days {
        fractions.push((fraction(day_count, base, date_of(day)?, context)?, amount));
    }
    let mut denominators =
        fractions.iter().filter(|(part, _)| part.numerator != 0).map(|(part, _)| part.denominator);
    let common = denominators.next().unwrap_or(1);
    let agree = denominators.all(|denominator| denominator == common);
    let mut times: Vec<(f64, f64)> = fractions
        .iter()
        .map(|&(part, amount)| match agree {
            true => (part.numerator as f64, amount),
            false => (part.to_f64(), amount),
        })
        .collect();
    // Under some conventions a later day can come sooner: 29 February turns 365 into 366.
    times.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok((times, if agree { common as f64 } else { 1.0 }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn dated(flows: &[(&str, f64)]) -> DatedFlows {
        of(flows, DayCount::Act365Fixed)
    }

    fn of(flows: &[(&str, f64)], day_count: DayCount) -> DatedFlows {
        let flows: Vec<_> = flows.iter().map(|&(date, amount)| (day(date), amount)).collect();
        DatedFlows::new(&flows, day_count, &DayCountContext::default()).unwrap()
    }

    /// The example of the documentation of Excel's XIRR and XNPV.
    #[test]
    fn the_example_of_the_spreadsheet() {
        let flows = dated(&[
            ("2008-01-01", -10_000.0),
            ("2008-03-01", 2_750.0),
            ("2008-10-30", 4_250.0),
            ("2009-02-15", 3_250.0),
            ("2009-04-01", 2_750.0),
        ]);
        assert!((flows.xirr().unwrap().unwrap() - 0.373_362_535).abs() < 1e-8);
        assert!((flows.npv(0.09).unwrap() - 2_086.647_602).abs() < 1e-6);
        assert_eq!(flows.base(), day("2008-01-01"));
    }

    #[test]
    fn the_choice_among_several_rates() {
        let year = |index: usize| ["2001-01-01", "2002-01-01", "2003-01-01"][index];
        let of_values = |values: [f64; 3]| {
            let flows: Vec<_> =
                values.iter().enumerate().map(|(index, &value)| (year(index), value)).collect();
            let flows = dated(&flows);
            (flows.rates().unwrap(), flows.xirr().unwrap().unwrap())
        };
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        // (1+r) is 1.1 or 1.3: a loss of 3, the nearer rate.
        let (all, one) = of_values([-100.0, 240.0, -143.0]);
        assert!(all.len() == 2 && near(one, 0.1) && near(all[0], 0.1) && near(all[1], 0.3));
        // 0.5 or 1.4, a gain: the positive one, though losing half is farther than gaining 40 %.
        assert!(near(of_values([-100.0, 190.0, -70.0]).1, 0.4));
        // 0.9 or 1.4 seen from the side that loses 4: the negative one, which is nearer.
        assert!(near(of_values([100.0, -230.0, 126.0]).1, -0.1));
        // 0.5 or 1.2, a loss: the positive one, less than half as far.
        assert!(near(of_values([100.0, -170.0, 60.0]).1, 0.2));
        // 0.9 or 301, a gain: no one means 30,000 per cent.
        assert!(near(of_values([-10.0, 3_019.0, -2_709.0]).1, -0.1));
        // Nothing gained or lost, whatever else solves the equation.
        assert_eq!(of_values([-100.0, 210.0, -110.0]).1, 0.0);
    }

    #[test]
    fn no_rate_where_there_is_none() {
        let none = [
            vec![("2020-01-01", -5.0), ("2021-01-01", -5.0)],
            vec![("2020-01-01", -5.0), ("2020-01-01", 5.0)],
            vec![("2020-01-01", -5.0), ("2020-01-01", 6.0)],
            vec![("2020-01-01", 0.0)],
            vec![("2020-01-01", 100.0), ("2021-01-01", -100.0), ("2022-01-01", 100.0)],
            // All but everything lost within a day: minus one, as far as a double can tell.
            vec![("2020-01-01", -1_000.0), ("2020-01-02", 1.0)],
        ];
        for flows in none {
            let flows = dated(&flows);
            assert_eq!((flows.xirr(), flows.rates()), (Ok(None), Ok(vec![])));
        }
        // The one rate that solves these is so low that the first payment weighs 10^-20 of the
        // last: it is listed, but it is not their rate of return.
        let faint = dated(&[
            ("2000-01-01", -100.0),
            ("2010-01-01", 50.0),
            ("2019-01-01", -100.0),
            ("2020-01-01", 10.0),
        ]);
        assert_eq!((faint.rates().unwrap().len(), faint.xirr()), (1, Ok(None)));
    }

    #[test]
    fn bad_flows_are_refused() {
        let context = DayCountContext::default();
        let make = |flows: &[(NaiveDate, f64)]| {
            DatedFlows::new(flows, DayCount::Act365Fixed, &context).map(|_| ())
        };
        assert_eq!(make(&[]), Err(CashflowError::Missing { what: "cash flow" }));
        assert_eq!(
            make(&[(day("2020-01-01"), 1.0), (day("2020-01-01"), f64::NAN)]),
            Err(CashflowError::NotFinite { what: "a cash flow", position: Some(2) })
        );
        assert!(make(&[(NaiveDate::MAX, 1.0)]).is_err());
        for huge in [1e308, -1e308] {
            let twice = [(day("2020-01-01"), huge), (day("2020-01-01"), huge)];
            assert!(matches!(make(&twice), Err(CashflowError::OutOfRange { .. })));
            let apart = [(day("2020-01-01"), huge), (day("2021-01-01"), huge)];
            assert!(matches!(make(&apart), Err(CashflowError::OutOfRange { .. })));
        }
        let flows = dated(&[("2020-01-01", -5.0), ("9999-12-31", 5.0)]);
        for rate in [-1.0, -2.0, f64::NAN, f64::INFINITY] {
            assert!(flows.npv(rate).is_err(), "{rate}");
        }
        assert!(matches!(flows.npv(-0.999), Err(CashflowError::OutOfRange { .. })));
        let unknown = xnpv(
            0.1,
            &[(day("2020-01-01"), 1.0), (day("2020-01-02"), 1.0)],
            DayCount::Bus252,
            &context,
        );
        assert!(matches!(unknown, Err(CashflowError::Calendar(_))));
    }

    #[test]
    fn values_are_of_the_earliest_date() {
        // The first date's flows cancel; it is the date of the value all the same.
        let flows = dated(&[("2020-01-01", 7.0), ("2020-01-01", -7.0), ("2020-12-31", 110.0)]);
        assert!((flows.npv(0.1).unwrap() - 100.0).abs() < 1e-12);
        let (value, slope) = flows.npv_and_derivative(0.1).unwrap();
        assert!((slope + value / 1.1).abs() < 1e-12);
        assert_eq!(dated(&[("2020-01-01", 7.0), ("2020-01-01", -7.0)]).npv(0.3), Ok(0.0));
    }

    #[test]
    fn a_later_day_may_come_sooner() {
        // From March 2008 to 28 February 2012 are 1,459/365 years, to the day after 1,460/366.
        let flows = [("2008-03-01", -100.0), ("2012-02-28", 60.0), ("2012-02-29", 70.0)];
        let flows = of(&flows, DayCount::Act365Actual);
        let rate = flows.xirr().unwrap().unwrap();
        let by_hand =
            60.0 * (1.0 + rate).powf(-1_459.0 / 365.0) + 70.0 * (1.0 + rate).powf(-1_460.0 / 366.0);
        assert!((by_hand - 100.0).abs() < 1e-10);
    }

    fn any_flows(most: usize) -> impl Strategy<Value = Vec<(NaiveDate, f64)>> {
        let flow = (0u64..9_000, -1_000_000i64..1_000_000).prop_map(|(days, cents)| {
            (day("2001-03-05") + chrono::Days::new(days), cents as f64 / 100.0)
        });
        proptest::collection::vec(flow, 1..most)
    }

    proptest! {
        #[test]
        fn neither_order_nor_currency_unit_matters(flows in any_flows(300), seed in 0usize..1_000) {
            let context = DayCountContext::default();
            let rate = xirr(&flows, DayCount::Act365Fixed, &context).unwrap();
            let mut other = flows.clone();
            other.reverse();
            let turn = seed % other.len();
            other.rotate_left(turn);
            prop_assert_eq!(xirr(&other, DayCount::Act365Fixed, &context).unwrap(), rate);
            let scaled: Vec<_> = flows.iter().map(|&(date, amount)| (date, amount * 1_024.0)).collect();
            match (xirr(&scaled, DayCount::Act365Fixed, &context).unwrap(), rate) {
                (Some(found), Some(rate)) => {
                    prop_assert!((found - rate).abs() <= 1e-10 * (1.0 + rate), "{found} {rate}");
                }
                (found, rate) => prop_assert_eq!(found, rate),
            }
        }

        #[test]
        fn the_rate_solves_the_equation(flows in any_flows(400)) {
            for day_count in [DayCount::Act365Fixed, DayCount::ThirtyE360, DayCount::ActActIsda] {
                let dated = DatedFlows::new(&flows, day_count, &DayCountContext::default()).unwrap();
                let Some(rate) = dated.xirr().unwrap() else { continue };
                let base = dated.base();
                let (mut value, mut gross) = (0.0, 0.0);
                for &(date, amount) in &flows {
                    let part = fraction(day_count, base, date, &DayCountContext::default()).unwrap();
                    let discounted = amount * (1.0 + rate).powf(-part.to_f64());
                    (value, gross) = (value + discounted, gross + discounted.abs());
                }
                prop_assert!(value.abs() <= 1e-11 * gross, "{value} of {gross} at {rate}");
                prop_assert!(dated.rates().unwrap().iter().any(
                    |one| (one - rate).abs() <= 1e-9 * (1.0 + rate.abs())));
            }
        }

        /// The table of powers gives what an exponential for each flow gives.
        #[test]
        fn the_value_is_the_sum_of_its_terms(flows in any_flows(600), rate in -0.5f64..5.0) {
            let dated =
                DatedFlows::new(&flows, DayCount::Act365Fixed, &DayCountContext::default()).unwrap();
            let (value, derivative) = dated.npv_and_derivative(rate).unwrap();
            let (mut sum, mut slope, mut gross) = (0.0, 0.0, 0.0);
            for &(date, amount) in &flows {
                let years = (date - dated.base()).num_days() as f64 / 365.0;
                let term = amount * (-years * rate.ln_1p()).exp();
                sum += term;
                slope -= years * term / (1.0 + rate);
                gross += term.abs() * (1.0 + years / (1.0 + rate));
            }
            prop_assert!((value - sum).abs() <= 1e-13 * gross);
            prop_assert!((derivative - slope).abs() <= 1e-13 * gross);
        }
    }
}
