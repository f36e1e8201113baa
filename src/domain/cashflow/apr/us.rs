//! The annual percentage rate of Regulation Z: 12 CFR part 1026, appendix J, the actuarial method.
//!
//! The general equation of paragraph (b)(8), with i the rate of a unit-period, t whole
//! unit-periods and f the fraction before them:
//!
//! ```text
//! sum of A / ((1 + f i) (1 + i)^t)  over advances  =  the same of P  over payments
//! ```
//!
//! The annual percentage rate is i times the unit-periods in a year, paragraph (b)(1). It is
//! disclosed in per cent with two decimals; the law tolerates an eighth of a percentage point, a
//! quarter for irregular transactions, section 1026.22(a).

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::unit_period::unit_schedule;
use super::{Apr, amount, something};
use crate::domain::cashflow::CashflowError;
use crate::domain::cashflow::error::finite;
use crate::domain::cashflow::rate_of_return::{
    CarefulSum, Leg, Legs, Net, PresentValue, first_root,
};
use crate::domain::limits::CASH_FLOWS_MAX;

/// Decimals of the disclosed fraction: two of per cent.
const DISCLOSED_DECIMALS: u32 = 4;
/// Largest rate of a unit-period looked for: a loan that grows a million times from one payment
/// to the next.
const UNIT_RATE_MAX: f64 = 1e6;
/// Lowest rate of a unit-period looked for, below zero.
const UNIT_RATE_LOST_MAX: f64 = 0.95;
/// Exponent of e to which a payment may grow at a negative rate; a double holds 709.
const GROWTH_MAX: f64 = 600.0;

/// An advance or a payment with its time from the beginning of the transaction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnitFlow {
    /// What is advanced or paid, not negative.
    pub amount: Decimal,
    /// Whole unit-periods.
    pub periods: u32,
    /// The fraction of a unit-period before them, from 0 to 1.
    pub fraction: f64,
}

/// The annual percentage rate of advances and payments at given unit-periods; None if no rate
/// solves the equation.
///
/// The finance charge is in the payments: a prepaid charge is taken off the advance. Where the
/// payments come to less than the advances the rate is negative. If several advances let several
/// rates solve the equation, the one nearest to zero is given.
///
/// # Errors
/// [`CashflowError::Missing`] without an advance or a payment, [`CashflowError::Negative`] for
/// amounts, [`CashflowError::NotPositive`] and [`CashflowError::NotFinite`] for the unit-periods a
/// year, [`CashflowError::FractionOutOfBounds`] for a fraction outside 0 to 1, and
/// [`CashflowError::TooManyFlows`].
pub fn apr_us(
    advances: &[UnitFlow],
    payments: &[UnitFlow],
    unit_periods_per_year: f64,
) -> Result<Option<Apr>, CashflowError> {
    finite(unit_periods_per_year, "the number of unit-periods a year", None)?;
    if unit_periods_per_year <= 0.0 {
        return Err(CashflowError::NotPositive {
            what: "the number of unit-periods a year",
            value: unit_periods_per_year.to_string(),
        });
    }
    let equation = Equation::new(advances, payments)?;
    match equation.unit_rate()? {
        None => Ok(None),
        Some(rate) => Ok(Some(Apr::new(rate * unit_periods_per_year, DISCLOSED_DECIMALS)?)),
    }
}

/// The annual percentage rate of advances and payments on dates, the unit-period and the fractions
/// found as [`unit_schedule`] does.
///
/// # Errors
/// As [`unit_schedule`] and [`apr_us`].
pub fn apr_us_dated(
    advances: &[(NaiveDate, Decimal)],
    payments: &[(NaiveDate, Decimal)],
) -> Result<Option<Apr>, CashflowError> {
    let schedule = unit_schedule(advances, payments)?;
    apr_us(&schedule.advances, &schedule.payments, schedule.unit_period.per_year())
}

/// Amount, whole unit-periods and fraction of an advance or a payment.
#[derive(Clone, Copy)]
struct Term {
    amount: f64,
    periods: f64,
    fraction: f64,
}

/// The general equation as a present value: payments received less advances paid.
struct Equation {
    advances: Vec<Term>,
    payments: Vec<Term>,
    span: f64,
}

impl Equation {
    fn new(advances: &[UnitFlow], payments: &[UnitFlow]) -> Result<Self, CashflowError> {
        let count = advances.len() + payments.len();
        if count > CASH_FLOWS_MAX {
            return Err(CashflowError::TooManyFlows { count });
        }
        something(advances, |flow| flow.amount, "advance")?;
        something(payments, |flow| flow.amount, "payment")?;
        let terms = |flows: &[UnitFlow], what| -> Result<Vec<Term>, CashflowError> {
            flows.iter().map(|flow| term(flow, what)).collect()
        };
        let (advances, payments) = (terms(advances, "an advance")?, terms(payments, "a payment")?);
        let longest = |longest: f64, term: &Term| longest.max(term.periods + term.fraction);
        let span = advances.iter().chain(&payments).fold(0.0, longest);
        Ok(Self { advances, payments, span: if span > 0.0 { span } else { 1.0 } })
    }

    /// The rate of a unit-period.
    fn unit_rate(&self) -> Result<Option<f64>, CashflowError> {
        let Net { value, gross, .. } = Side { equation: self, sign: 1.0 }.net(0.0);
        if value.abs() <= f64::EPSILON * gross {
            return Ok(Some(0.0));
        }
        if value > 0.0 {
            return first_root(&Side { equation: self, sign: 1.0 }, 0.0, UNIT_RATE_MAX);
        }
        let lowest = UNIT_RATE_LOST_MAX.min(-(-GROWTH_MAX / self.span).exp_m1());
        let lost = first_root(&Side { equation: self, sign: -1.0 }, 0.0, lowest)?;
        Ok(lost.map(|rate| -rate))
    }

    /// What is neither earlier nor later than the beginning: payments less advances.
    fn at_once(&self) -> f64 {
        let sum = |terms: &[Term]| {
            let now = |term: &&Term| term.periods == 0.0 && term.fraction == 0.0;
            terms.iter().filter(now).map(|term| term.amount).sum::<f64>()
        };
        sum(&self.payments) - sum(&self.advances)
    }
}

fn term(flow: &UnitFlow, what: &'static str) -> Result<Term, CashflowError> {
    if !(0.0..=1.0).contains(&flow.fraction) {
        return Err(CashflowError::FractionOutOfBounds { fraction: flow.fraction.to_string() });
    }
    Ok(Term {
        amount: amount(flow.amount, what)?,
        periods: f64::from(flow.periods),
        fraction: flow.fraction,
    })
}

/// The equation for rates above zero (`sign` 1) or below (`sign` -1), in the size of the rate.
///
/// `-ln(1 + f i) - t ln(1 + i)` is convex in i, so that the legs are log-convex either way.
struct Side<'a> {
    equation: &'a Equation,
    sign: f64,
}

impl Side<'_> {
    /// The value of a term at a rate, and its derivative with respect to the size of the rate.
    fn leg(&self, term: &Term, rate: f64) -> Leg {
        let simple = 1.0 + term.fraction * rate;
        let value = term.amount * (-term.periods * rate.ln_1p()).exp() / simple;
        let slope = term.fraction / simple + term.periods / (1.0 + rate);
        Leg { value, slope: -self.sign * value * slope }
    }
}

impl PresentValue for Side<'_> {
    fn legs(&self, x: f64) -> Legs {
        let sum = |terms: &[Term]| {
            let mut sum = Leg::default();
            for term in terms {
                let leg = self.leg(term, self.sign * x);
                sum.value += leg.value;
                sum.slope += leg.slope;
            }
            sum
        };
        Legs { received: sum(&self.equation.payments), paid: sum(&self.equation.advances) }
    }

    fn net(&self, x: f64) -> Net {
        let (mut value, mut slope, mut gross) = (CarefulSum::default(), 0.0, 0.0);
        for (terms, sign) in [(&self.equation.payments, 1.0), (&self.equation.advances, -1.0)] {
            for term in terms {
                let leg = self.leg(term, self.sign * x);
                value.add(sign * leg.value);
                slope += sign * leg.slope;
                gross += leg.value;
            }
        }
        Net { value: value.total(), slope, gross }
    }

    fn span(&self) -> f64 {
        self.equation.span
    }

    fn undiscounted(&self) -> f64 {
        // Below zero the legs grow, and neither tends towards a constant.
        if self.sign > 0.0 { self.equation.at_once() } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calendar::add_months;
    use proptest::prelude::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn monthly(first: &str, amounts: &[(&str, usize)]) -> Vec<(NaiveDate, Decimal)> {
        let amounts = amounts.iter().flat_map(|&(amount, count)| vec![d(amount); count]);
        amounts
            .enumerate()
            .map(|(index, amount)| (add_months(day(first), index as i64).unwrap(), amount))
            .collect()
    }

    fn percent(advances: &[(NaiveDate, Decimal)], payments: &[(NaiveDate, Decimal)]) -> Decimal {
        apr_us_dated(advances, payments).unwrap().unwrap().percent()
    }

    /// Examples (c)(1)(i) and (ii), (c)(2)(i) and (c)(4)(i) of the appendix.
    #[test]
    fn examples_of_the_appendix() {
        let five = [(day("1978-01-10"), d("5000"))];
        assert_eq!(percent(&five, &monthly("1978-02-10", &[("230", 24)])), d("9.69"));
        let six = [(day("1978-02-10"), d("6000"))];
        assert_eq!(percent(&six, &monthly("1978-04-01", &[("200", 36)])), d("11.82"));
        let odd_first = monthly("1978-02-10", &[("250", 1), ("230", 23)]);
        assert_eq!(percent(&five, &odd_first), d("10.08"));
        let both_odd = monthly("1978-02-10", &[("250", 1), ("230", 22), ("280", 1)]);
        assert_eq!(percent(&five, &both_odd), d("10.9"));
    }

    #[test]
    fn several_advances_are_one_transaction() {
        // Twice the half is the whole.
        let once = [(day("2023-01-10"), d("5000"))];
        let twice = [(day("2023-01-10"), d("2500")), (day("2023-01-10"), d("2500"))];
        let payments = monthly("2023-02-10", &[("450", 12)]);
        assert_eq!(apr_us_dated(&once, &payments), apr_us_dated(&twice, &payments));
        // A later advance makes the same payments cost more a year.
        let later = [(day("2023-01-10"), d("2500")), (day("2023-03-10"), d("2500"))];
        assert!(percent(&later, &payments) > percent(&once, &payments));
    }

    #[test]
    fn no_charge_no_rate_and_a_negative_charge_a_negative_one() {
        let advance = [(day("2023-01-10"), d("1200"))];
        assert_eq!(percent(&advance, &monthly("2023-02-10", &[("100", 12)])), d("0"));
        let less = apr_us_dated(&advance, &monthly("2023-02-10", &[("99", 12)])).unwrap().unwrap();
        assert!(less.annual_rate < 0.0 && less.annual_rate > -0.02, "{less:?}");
        // Paid back more on the same day: no rate makes up for that.
        let at_once = [(day("2023-01-10"), d("1300"))];
        assert_eq!(apr_us_dated(&advance, &at_once).unwrap(), None);
    }

    #[test]
    fn a_payday_loan_is_not_too_dear_to_compute() {
        let loan = apr_us_dated(&[(day("2023-01-10"), d("100"))], &[(day("2023-01-17"), d("130"))]);
        assert_eq!(loan.unwrap().unwrap().percent(), d("1564.29"));
        let usury =
            apr_us_dated(&[(day("2023-01-10"), d("1"))], &[(day("2023-01-11"), d("100000"))]);
        assert_eq!(usury.unwrap().unwrap().annual_rate.round(), 99_999.0 * 365.0);
    }

    #[test]
    fn bad_terms_are_refused() {
        let at =
            |amount: &str, fraction: f64| [UnitFlow { amount: d(amount), periods: 1, fraction }];
        let start = [UnitFlow { amount: d("100"), periods: 0, fraction: 0.0 }];
        for per_year in [0.0, -12.0, f64::NAN, f64::INFINITY] {
            assert!(apr_us(&start, &at("110", 0.0), per_year).is_err());
        }
        for fraction in [-0.1, 1.1, f64::NAN] {
            assert!(matches!(
                apr_us(&start, &at("110", fraction), 12.0),
                Err(CashflowError::FractionOutOfBounds { .. })
            ));
        }
        assert!(matches!(
            apr_us(&start, &at("-110", 0.0), 12.0),
            Err(CashflowError::Missing { .. })
        ));
        let mixed = [at("110", 0.0)[0], at("-1", 0.0)[0]];
        assert!(matches!(apr_us(&start, &mixed, 12.0), Err(CashflowError::Negative { .. })));
        assert!(matches!(
            apr_us(&start, &at("0", 0.0), 12.0),
            Err(CashflowError::Missing { what: "payment" })
        ));
    }

    proptest! {
        /// A loan amortised at a rate has that rate.
        #[test]
        fn the_rate_of_a_loan_made_at_a_rate(
            annual in 0.0f64..3.0,
            count in 1usize..120,
            odd in 0u32..=30,
        ) {
            let (rate, fraction) = (annual / 12.0, f64::from(odd) / 30.0);
            let payments: Vec<UnitFlow> = (0..count)
                .map(|index| UnitFlow { amount: d("100"), periods: index as u32 + 1, fraction })
                .collect();
            let worth: f64 = payments
                .iter()
                .map(|p| 100.0 / ((1.0 + p.fraction * rate) * (1.0 + rate).powi(p.periods as i32)))
                .sum();
            let amount = crate::domain::decimal::from_f64(worth).unwrap();
            let advance = [UnitFlow { amount, periods: 0, fraction: 0.0 }];
            let found = apr_us(&advance, &payments, 12.0).unwrap().unwrap();
            prop_assert!((found.annual_rate - annual).abs() < 1e-11, "{found:?} is not {annual}");
        }
    }
}
