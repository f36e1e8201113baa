//! The time value of money for level payments: exact decimals in, exact decimals out.
//!
//! Throughout, money received is positive and money paid is negative, as in spreadsheets and in
//! numpy-financial: a borrower has `pv > 0` and `pmt < 0`. With r the rate of a period, n the
//! number of periods, `g = (1 + r)^n` and `s = (g - 1) / r`, all functions solve
//!
//! ```text
//! pv g + pmt (1 + r w) s + fv = 0
//! ```
//!
//! where w is 1 if payments fall at the beginning of the period and 0 if at its end. `s` is built
//! by doubling, `s(2m) = s(m) (1 + g(m))`, which loses no digits however small the rate is and
//! gives `s = n` at a rate of zero; nothing is divided by the rate. Results are not rounded and
//! carry some 26 digits.

use rust_decimal::Decimal;

use super::CashflowError;
use super::compounding::check_rate;
use crate::domain::decimal::{ArithmeticError, add, div, mul, sub};
use crate::domain::error::{UnknownName, by_name};
use crate::domain::limits::ANNUITY_PERIODS_MAX;

/// When in its period a payment falls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PaymentTiming {
    /// At the end: an ordinary annuity, as loans have.
    #[default]
    End,
    /// At the beginning: an annuity due, as leases have.
    Begin,
}

const TIMINGS: [(&str, PaymentTiming); 4] = [
    ("end", PaymentTiming::End),
    ("begin", PaymentTiming::Begin),
    ("0", PaymentTiming::End),
    ("1", PaymentTiming::Begin),
];

impl PaymentTiming {
    /// The timing of a name: `end` or `0`, `begin` or `1`.
    ///
    /// # Errors
    /// [`UnknownName`] lists the names.
    pub fn parse(name: &str) -> Result<Self, UnknownName> {
        by_name("payment timing", name, &TIMINGS)
    }
}

/// Growth of one unit over the periods and of one unit paid at the end of each.
struct Growth {
    /// `(1 + r)^n`.
    factor: Decimal,
    /// `((1 + r)^n - 1) / r`, or n at a rate of zero.
    annuity: Decimal,
}

impl Growth {
    /// None where the factor has more digits than a decimal: what is due at the end is then worth
    /// nothing today in 28 digits, and what is paid for ever is worth `1 / r`.
    fn over(rate: Decimal, periods: u32) -> Result<Option<Self>, ArithmeticError> {
        let base = add(Decimal::ONE, rate)?;
        let build = || -> Result<Self, ArithmeticError> {
            let (mut factor, mut annuity) = (Decimal::ONE, Decimal::ZERO);
            for bit in (0..u32::BITS - periods.leading_zeros()).rev() {
                annuity = mul(annuity, add(Decimal::ONE, factor)?)?;
                factor = mul(factor, factor)?;
                if periods >> bit & 1 == 1 {
                    annuity = add(mul(annuity, base)?, Decimal::ONE)?;
                    factor = mul(factor, base)?;
                }
            }
            Ok(Self { factor, annuity })
        };
        match build() {
            Ok(growth) => Ok(Some(growth)),
            Err(_) if rate > Decimal::ZERO => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The value today of `periods` payments of `payment` and of `future` received at the end.
///
/// `pv = -(fv + pmt (1 + r w) s) / g`
///
/// # Errors
/// [`CashflowError::RateTooLow`] at or below minus one, [`CashflowError::RateTooHigh`],
/// [`CashflowError::PeriodsOutOfBounds`] outside 1 to [`ANNUITY_PERIODS_MAX`] periods, and
/// [`CashflowError::Arithmetic`] for results that do not fit.
pub fn pv(
    rate: Decimal,
    periods: i64,
    payment: Decimal,
    future: Decimal,
    when: PaymentTiming,
) -> Result<Decimal, CashflowError> {
    let periods = check(rate, periods)?;
    Ok(negate(value_of_rest(rate, periods, moved_to_end(payment, rate, when)?, future)?)?)
}

/// What the balance `present` and `periods` payments of `payment` come to at the end.
///
/// `fv = -(pv g + pmt (1 + r w) s)`
///
/// # Errors
/// As [`pv`].
pub fn fv(
    rate: Decimal,
    periods: i64,
    payment: Decimal,
    present: Decimal,
    when: PaymentTiming,
) -> Result<Decimal, CashflowError> {
    let periods = check(rate, periods)?;
    let growth =
        Growth::over(rate, periods)?.ok_or(ArithmeticError::OutOfRange("a future value"))?;
    let paid = mul(moved_to_end(payment, rate, when)?, growth.annuity)?;
    Ok(negate(add(mul(present, growth.factor)?, paid)?)?)
}

/// The level payment that takes the balance from `present` to minus `future` in `periods`
/// payments.
///
/// `pmt = -(fv + pv g) / ((1 + r w) s)`
///
/// # Errors
/// As [`pv`].
pub fn pmt(
    rate: Decimal,
    periods: i64,
    present: Decimal,
    future: Decimal,
    when: PaymentTiming,
) -> Result<Decimal, CashflowError> {
    let periods = check(rate, periods)?;
    Ok(level_payment(rate, periods, present, future, when)?)
}

/// The interest in the payment of period `period`, counted from one.
///
/// It is the rate on the balance before the payment; that balance is found as the value of what
/// is still to come, which loses no digits towards the end of a long loan. With payments at the
/// beginning the first bears no interest.
///
/// # Errors
/// As [`pv`], and [`CashflowError::NoSuchPeriod`] for a period that is not one of them.
pub fn ipmt(
    rate: Decimal,
    period: i64,
    periods: i64,
    present: Decimal,
    future: Decimal,
    when: PaymentTiming,
) -> Result<Decimal, CashflowError> {
    Ok(split_payment(rate, period, periods, present, future, when)?.0)
}

/// The principal in the payment of period `period`, counted from one: [`pmt`] less [`ipmt`].
///
/// # Errors
/// As [`ipmt`].
pub fn ppmt(
    rate: Decimal,
    period: i64,
    periods: i64,
    present: Decimal,
    future: Decimal,
    when: PaymentTiming,
) -> Result<Decimal, CashflowError> {
    Ok(split_payment(rate, period, periods, present, future, when)?.1)
}

/// Interest and principal of one payment.
fn split_payment(
    rate: Decimal,
    period: i64,
    periods: i64,
    present: Decimal,
    future: Decimal,
    when: PaymentTiming,
) -> Result<(Decimal, Decimal), CashflowError> {
    let periods = check(rate, periods)?;
    let period = check_period(period, periods)?;
    let payment = level_payment(rate, periods, present, future, when)?;
    let interest = match (when, period) {
        (PaymentTiming::Begin, 1) => Decimal::ZERO,
        (_, 1) => negate(mul(present, rate)?)?,
        _ => {
            let still_to_come = moved_to_end(payment, rate, when)?;
            let balance = value_of_rest(rate, periods - period + 1, still_to_come, future)?;
            let interest = mul(balance, rate)?;
            match when {
                PaymentTiming::End => interest,
                PaymentTiming::Begin => div(interest, add(Decimal::ONE, rate)?)?,
            }
        }
    };
    Ok((interest, sub(payment, interest)?))
}

/// The level payment, the arguments being within bounds.
fn level_payment(
    rate: Decimal,
    periods: u32,
    present: Decimal,
    future: Decimal,
    when: PaymentTiming,
) -> Result<Decimal, ArithmeticError> {
    let growth = Growth::over(rate, periods)?;
    let at_end = match &growth {
        None => mul(present, rate)?,
        Some(growth) => mul(present, growth.factor)
            .and_then(|grown| div(add(future, grown)?, growth.annuity))
            // The balance times the factor has too many digits: both are divided by the factor.
            .or_else(|_| {
                let today = add(div(future, growth.factor)?, present)?;
                mul(today, div(growth.factor, growth.annuity)?)
            })?,
    };
    match when {
        PaymentTiming::End => negate(at_end),
        PaymentTiming::Begin => negate(div(at_end, add(Decimal::ONE, rate)?)?),
    }
}

/// `(fv + pmt s) / g`: what payments at the end of each period and a last amount are worth today.
fn value_of_rest(
    rate: Decimal,
    periods: u32,
    payment: Decimal,
    future: Decimal,
) -> Result<Decimal, ArithmeticError> {
    match Growth::over(rate, periods)? {
        None => div(payment, rate),
        Some(growth) if growth.factor.is_zero() => {
            Err(ArithmeticError::OutOfRange("a present value"))
        }
        Some(growth) => mul(payment, growth.annuity)
            .and_then(|paid| div(add(future, paid)?, growth.factor))
            .or_else(|_| {
                let paid = mul(payment, div(growth.annuity, growth.factor)?)?;
                add(div(future, growth.factor)?, paid)
            }),
    }
}

/// The payment at the end of the period that is worth as much as `payment` when it falls.
fn moved_to_end(
    payment: Decimal,
    rate: Decimal,
    when: PaymentTiming,
) -> Result<Decimal, ArithmeticError> {
    match when {
        PaymentTiming::End => Ok(payment),
        PaymentTiming::Begin => mul(payment, add(Decimal::ONE, rate)?),
    }
}

fn negate(value: Decimal) -> Result<Decimal, ArithmeticError> {
    sub(Decimal::ZERO, value)
}

fn check(rate: Decimal, periods: i64) -> Result<u32, CashflowError> {
    check_rate(rate)?;
    u32::try_from(periods)
        .ok()
        .filter(|count| (1..=ANNUITY_PERIODS_MAX).contains(count))
        .ok_or_else(|| CashflowError::PeriodsOutOfBounds {
            given: periods.to_string(),
            max: ANNUITY_PERIODS_MAX,
        })
}

fn check_period(period: i64, periods: u32) -> Result<u32, CashflowError> {
    u32::try_from(period)
        .ok()
        .filter(|one| (1..=periods).contains(one))
        .ok_or(CashflowError::NoSuchPeriod { period, periods })
}

#[cfg(test)]
mod tests {
    use super::PaymentTiming::{Begin, End};
    use super::*;
    use proptest::prelude::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn near(found: Decimal, wanted: &str, tolerance: &str) {
        assert!(
            (found - d(wanted)).abs() <= Decimal::from_scientific(tolerance).unwrap(),
            "{found} is not {wanted}"
        );
    }

    /// A thirty-year mortgage of 200,000 at 6.5 per cent pays 1,264.14 a month; the digits are
    /// those of an arbitrary-precision computation.
    #[test]
    fn the_payment_of_a_mortgage() {
        let rate = div(d("0.065"), d("12")).unwrap();
        let payment = pmt(rate, 360, d("200000"), d("0"), End).unwrap();
        near(payment, "-1264.136046985927464091663353", "1e-22");
        near(pv(rate, 360, payment, d("0"), End).unwrap(), "200000", "1e-20");
        near(fv(rate, 360, payment, d("200000"), End).unwrap(), "0", "1e-18");
        near(
            ipmt(rate, 360, 360, d("200000"), d("0"), End).unwrap(),
            "-6.810513307425220486196279977",
            "1e-22",
        );
        near(
            ppmt(rate, 180, 360, d("200000"), d("0"), End).unwrap(),
            "-475.5030421305882848313207802",
            "1e-22",
        );
        near(
            pmt(rate, 360, d("200000"), d("-50000"), Begin).unwrap(),
            "-1212.368373217848916438041457",
            "1e-22",
        );
    }

    #[test]
    fn a_rate_of_zero_is_the_limit_of_small_rates() {
        assert_eq!(pmt(d("0"), 12, d("1200"), d("0"), End).unwrap(), d("-100"));
        assert_eq!(pv(d("0"), 12, d("-100"), d("-50"), Begin).unwrap(), d("1250"));
        assert_eq!(fv(d("0"), 5, d("100"), d("7"), End).unwrap(), d("-507"));
        assert_eq!(ipmt(d("0"), 3, 12, d("1200"), d("0"), End).unwrap(), d("0"));
        let tiny = pmt(Decimal::new(1, 27), 12, d("1200"), d("0"), End).unwrap();
        near(tiny, "-100", "1e-23");
    }

    /// The factor of 40 per cent a month over 30 years has 52 digits.
    #[test]
    fn a_factor_that_does_not_fit_leaves_the_interest() {
        let (rate, present) = (d("0.4"), d("1000000"));
        assert_eq!(pmt(rate, 360, present, d("0"), End).unwrap(), d("-400000"));
        assert_eq!(pv(rate, 360, d("-400000"), d("5"), End).unwrap(), present);
        assert!(fv(rate, 360, d("1"), d("1"), End).is_err());
        assert_eq!(ipmt(rate, 7, 360, present, d("0"), End).unwrap(), d("-400000.0"));
        // The factor fits but times the balance it does not.
        let steep = pmt(d("0.4"), 190, d("1000000000000000"), d("0"), End).unwrap();
        near(steep, "-400000000000000.0000000000", "1e-8");
    }

    #[test]
    fn bad_arguments_are_refused() {
        let (one, zero) = (d("1"), d("0"));
        for periods in [0, -1, 1_000_001, i64::MAX] {
            assert!(matches!(
                pmt(d("0.01"), periods, one, zero, End),
                Err(CashflowError::PeriodsOutOfBounds { .. })
            ));
        }
        for rate in ["-1", "-2.5"] {
            assert!(matches!(
                pv(d(rate), 12, one, zero, End),
                Err(CashflowError::RateTooLow { .. })
            ));
        }
        assert!(matches!(
            fv(d("10000.1"), 12, one, zero, End),
            Err(CashflowError::RateTooHigh { .. })
        ));
        for period in [0, 25, -3] {
            assert!(matches!(
                ipmt(d("0.01"), period, 24, one, zero, End),
                Err(CashflowError::NoSuchPeriod { .. })
            ));
        }
        assert!(pv(d("-0.99"), 1_000_000, one, zero, End).is_err());
        assert!(pmt(d("0.01"), 12, Decimal::MAX, Decimal::MAX, End).is_err());
        assert!(PaymentTiming::parse("middle").is_err());
        assert_eq!(PaymentTiming::parse("Begin").unwrap(), Begin);
    }

    proptest! {
        #[test]
        fn the_functions_agree(
            rate in -50_000i64..500_000,
            periods in 1i64..500,
            cents in 100i64..10_000_000_000,
            balloon in -1_000_000i64..1_000_000,
            begin in proptest::bool::ANY,
        ) {
            let when = if begin { Begin } else { End };
            let (rate, present, future) =
                (Decimal::new(rate, 7), Decimal::new(cents, 2), Decimal::new(balloon, 2));
            let scale = present + future.abs();
            let payment = pmt(rate, periods, present, future, when).unwrap();
            let back = pv(rate, periods, payment, future, when).unwrap();
            prop_assert!((back - present).abs() <= scale * Decimal::new(1, 20));
            let end = fv(rate, periods, payment, present, when).unwrap();
            let growth = Decimal::ONE.max(Growth::over(rate, periods as u32).unwrap().unwrap().factor);
            prop_assert!((end - future).abs() <= scale * growth * Decimal::new(1, 22));
        }

        #[test]
        fn interest_and_principal_make_up_the_payment(
            rate in 0i64..500_000,
            periods in 1i64..120,
            cents in 100i64..10_000_000_000,
            balloon in 0i64..1_000_000,
            begin in proptest::bool::ANY,
        ) {
            let when = if begin { Begin } else { End };
            let (rate, present, future) =
                (Decimal::new(rate, 7), Decimal::new(cents, 2), Decimal::new(-balloon, 2));
            let payment = pmt(rate, periods, present, future, when).unwrap();
            let (mut balance, mut repaid) = (present, Decimal::ZERO);
            for period in 1..=periods {
                let interest = ipmt(rate, period, periods, present, future, when).unwrap();
                let principal = ppmt(rate, period, periods, present, future, when).unwrap();
                prop_assert!((interest + principal - payment).abs() <= Decimal::new(1, 20));
                // The balance carried forward by hand bears the interest the formula gives.
                let by_hand = match (when, period) {
                    (Begin, 1) => Decimal::ZERO,
                    _ => -balance * rate,
                };
                prop_assert!((interest - by_hand).abs() <= present * Decimal::new(1, 18));
                balance += principal;
                repaid += principal;
            }
            let owed = if begin { future / (Decimal::ONE + rate) } else { future };
            prop_assert!((repaid + present + owed).abs() <= present * Decimal::new(1, 18));
        }
    }
}
