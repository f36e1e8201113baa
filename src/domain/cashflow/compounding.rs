//! How a nominal rate grows money over time, and the rate that does so another way.

use std::num::NonZeroU16;

use rust_decimal::Decimal;

use super::CashflowError;
use super::power::{exp, ln, pow};
use crate::domain::calendar::Frequency;
use crate::domain::decimal::{self, ArithmeticError, add, div, mul, sub};
use crate::domain::error::{UnknownName, by_name};
use crate::domain::limits::ANNUAL_RATE_MAX;
use crate::domain::money::RoundingMode;

/// Decimals to which a number of compounding periods is looked at to see whether it is whole: a
/// year fraction carries 28 digits, so 90/360 of four periods is one but for the last of them.
const WHOLE_PERIOD_DECIMALS: u32 = 22;

/// How interest is added to what bears interest.
///
/// With r the annual rate, t the time in years and n the periods a year, one unit grows to:
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compounding {
    /// `1 + r t`: never added.
    Simple,
    /// `(1 + r/n)^(n t)`: added at the end of each of n periods a year.
    Compounded(NonZeroU16),
    /// `e^(r t)`: added without pause.
    Continuous,
    /// Simple up to one period, compounded beyond it: a money-market rate that becomes a bond
    /// yield.
    SimpleThenCompounded(NonZeroU16),
    /// Compounded up to one period, simple beyond it.
    CompoundedThenSimple(NonZeroU16),
}

/// Names of the kinds of compounding that a number of periods a year completes.
const KINDS: [(&str, Kind); 5] = [
    ("simple", Kind::Simple),
    ("compounded", Kind::Compounded),
    ("continuous", Kind::Continuous),
    ("simple_then_compounded", Kind::SimpleThenCompounded),
    ("compounded_then_simple", Kind::CompoundedThenSimple),
];

#[derive(Clone, Copy)]
enum Kind {
    Simple,
    Compounded,
    Continuous,
    SimpleThenCompounded,
    CompoundedThenSimple,
}

impl Compounding {
    /// Once a year.
    pub const ANNUAL: Self = Self::Compounded(NonZeroU16::MIN);

    /// Compounding `periods_per_year` times a year.
    ///
    /// # Errors
    /// [`CashflowError::PeriodsOutOfBounds`] for zero, a negative number and above 65,535.
    pub fn per_year(periods_per_year: i64) -> Result<Self, CashflowError> {
        Ok(Self::Compounded(periods(periods_per_year)?))
    }

    /// The compounding of a kind (`simple`, `compounded`, `continuous`, `simple_then_compounded`,
    /// `compounded_then_simple`) and, where it has one, its number of periods a year.
    ///
    /// # Errors
    /// [`CashflowError::Name`] lists the kinds; [`CashflowError::PeriodsOutOfBounds`] refuses the
    /// number, even where the kind does not need it.
    pub fn of_kind(kind: &str, periods_per_year: i64) -> Result<Self, CashflowError> {
        let kind = by_name("compounding", kind, &KINDS)?;
        let per_year = periods(periods_per_year)?;
        Ok(match kind {
            Kind::Simple => Self::Simple,
            Kind::Compounded => Self::Compounded(per_year),
            Kind::Continuous => Self::Continuous,
            Kind::SimpleThenCompounded => Self::SimpleThenCompounded(per_year),
            Kind::CompoundedThenSimple => Self::CompoundedThenSimple(per_year),
        })
    }

    /// The compounding of a name: `simple`, `continuous`, a number of periods a year such as `6`,
    /// or a frequency such as `monthly`, of which a whole number makes a year.
    ///
    /// # Errors
    /// [`CashflowError::Name`] for what is none of these.
    pub fn parse(name: &str) -> Result<Self, CashflowError> {
        match by_name("compounding", name, &KINDS) {
            Ok(Kind::Simple) => return Ok(Self::Simple),
            Ok(Kind::Continuous) => return Ok(Self::Continuous),
            _ => {}
        }
        if let Ok(number) = name.trim().parse::<i64>() {
            return Self::per_year(number);
        }
        let whole = Frequency::parse(name).ok().map(Frequency::period_of_year);
        match whole.filter(|period| period.denominator % period.numerator == 0) {
            Some(period) => Self::per_year(period.denominator / period.numerator),
            None => Err(CashflowError::Name(UnknownName {
                kind: "compounding",
                given: name.chars().take(80).collect(),
                known: vec![
                    "simple",
                    "annual",
                    "semi_annual",
                    "quarterly",
                    "bimonthly",
                    "monthly",
                    "semimonthly",
                    "biweekly",
                    "weekly",
                    "daily",
                    "continuous",
                    "a number of periods a year",
                ],
            })),
        }
    }

    /// What one unit grows to over `years` at `rate`: the compound factor.
    ///
    /// A whole number of periods is raised by multiplication alone and is exact as far as 28
    /// digits hold it; otherwise at least 24 digits are right.
    ///
    /// # Errors
    /// [`CashflowError::Negative`] for a negative time, [`CashflowError::RateTooLow`] for a rate
    /// that leaves nothing to compound, [`CashflowError::RateTooHigh`] and
    /// [`CashflowError::Arithmetic`] for what does not fit.
    pub fn factor(self, rate: Decimal, years: Decimal) -> Result<Decimal, CashflowError> {
        if years < Decimal::ZERO {
            return Err(CashflowError::Negative {
                what: "the time in years",
                value: years.to_string(),
            });
        }
        self.rule(years)?.factor(rate, years)
    }

    /// What one unit due after `years` is worth today: the discount factor, the reciprocal of
    /// [`Compounding::factor`].
    ///
    /// # Errors
    /// As [`Compounding::factor`]; [`CashflowError::OutOfRange`] where the unit shrinks to less
    /// than 28 decimals show.
    pub fn discount_factor(self, rate: Decimal, years: Decimal) -> Result<Decimal, CashflowError> {
        let factor = self.factor(rate, years)?;
        if factor.is_zero() {
            return Err(CashflowError::OutOfRange { what: "the discount factor" });
        }
        Ok(div(Decimal::ONE, factor)?)
    }

    /// The rate at which one unit grows to `factor` over `years`: the inverse of
    /// [`Compounding::factor`] in the rate.
    ///
    /// # Errors
    /// [`CashflowError::NotPositive`] for a factor or a time that is not positive.
    pub fn implied_rate(self, factor: Decimal, years: Decimal) -> Result<Decimal, CashflowError> {
        for (what, value) in [("the compound factor", factor), ("the time in years", years)] {
            if value <= Decimal::ZERO {
                return Err(CashflowError::NotPositive { what, value: value.to_string() });
            }
        }
        Ok(match self.rule(years)? {
            Rule::Simple => div(sub(factor, Decimal::ONE)?, years)?,
            Rule::Continuous => div(ln(factor)?, years)?,
            Rule::Compounded(per_year) => {
                let n = Decimal::from(per_year.get());
                let base = root(factor, whole_if_close(mul(n, years)?))?;
                mul(n, sub(base, Decimal::ONE)?)?
            }
        })
    }

    /// Which of its rules a mixed compounding follows over `years`.
    pub(super) fn rule(self, years: Decimal) -> Result<Rule, ArithmeticError> {
        let within_one = |n: NonZeroU16| -> Result<bool, ArithmeticError> {
            Ok(whole_if_close(mul(Decimal::from(n.get()), years)?) <= Decimal::ONE)
        };
        Ok(match self {
            Self::Simple => Rule::Simple,
            Self::Continuous => Rule::Continuous,
            Self::Compounded(n) => Rule::Compounded(n),
            Self::SimpleThenCompounded(n) if within_one(n)? => Rule::Simple,
            Self::SimpleThenCompounded(n) => Rule::Compounded(n),
            Self::CompoundedThenSimple(n) if within_one(n)? => Rule::Compounded(n),
            Self::CompoundedThenSimple(_) => Rule::Simple,
        })
    }
}

/// What a compounding comes down to once the time is known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    Simple,
    Compounded(NonZeroU16),
    Continuous,
}

impl Rule {
    pub(super) fn factor(self, rate: Decimal, years: Decimal) -> Result<Decimal, CashflowError> {
        check_upper(rate)?;
        match self {
            Self::Simple => {
                let factor = add(Decimal::ONE, mul(rate, years)?)?;
                if factor <= Decimal::ZERO {
                    return Err(too_low(rate, div(Decimal::NEGATIVE_ONE, years)?));
                }
                Ok(factor)
            }
            Self::Continuous => Ok(exp(mul(rate, years)?)?),
            Self::Compounded(per_year) => {
                let n = Decimal::from(per_year.get());
                let base = add(Decimal::ONE, div(rate, n)?)?;
                if base <= Decimal::ZERO {
                    return Err(too_low(rate, sub(Decimal::ZERO, n)?));
                }
                Ok(pow(base, whole_if_close(mul(n, years)?))?)
            }
        }
    }
}

/// The rate under `to` that grows one unit over `years` as `rate` under `from` does.
///
/// # Errors
/// As [`Compounding::factor`] and [`Compounding::implied_rate`].
pub fn equivalent_rate(
    rate: Decimal,
    from: Compounding,
    to: Compounding,
    years: Decimal,
) -> Result<Decimal, CashflowError> {
    to.implied_rate(from.factor(rate, years)?, years)
}

/// The effective annual rate `(1 + i/n)^n - 1` of a nominal annual rate i compounded n times a
/// year.
///
/// # Errors
/// As [`Compounding::factor`].
pub fn effective_rate(nominal: Decimal, periods_per_year: i64) -> Result<Decimal, CashflowError> {
    let grown = Compounding::per_year(periods_per_year)?.factor(nominal, Decimal::ONE)?;
    Ok(sub(grown, Decimal::ONE)?)
}

/// The nominal annual rate `n ((1 + e)^(1/n) - 1)`, compounded n times a year, of an effective
/// annual rate e: the inverse of [`effective_rate`].
///
/// # Errors
/// [`CashflowError::RateTooLow`] at or below minus one.
pub fn nominal_rate(effective: Decimal, periods_per_year: i64) -> Result<Decimal, CashflowError> {
    let compounding = Compounding::per_year(periods_per_year)?;
    check_rate(effective)?;
    compounding.implied_rate(add(Decimal::ONE, effective)?, Decimal::ONE)
}

/// `value^(1/degree)`; for a whole degree with one step of Newton's method on top, which makes
/// raising the root give the value back to the last digits.
fn root(value: Decimal, degree: Decimal) -> Result<Decimal, ArithmeticError> {
    let first = exp(div(ln(value)?, degree)?)?;
    match u64::try_from(degree) {
        Ok(whole) if degree.fract().is_zero() && whole > 1 => {
            let below = decimal::powu(first, whole - 1)?;
            if below.is_zero() {
                return Ok(first);
            }
            // x - (x^n - a) / (n x^(n-1)), where the difference is exact and the step small.
            let off = sub(mul(below, first)?, value)?;
            sub(first, div(div(off, below)?, degree)?)
        }
        _ => Ok(first),
    }
}

/// `periods` itself, or the whole number it misses by less than the last digits of a year
/// fraction.
fn whole_if_close(periods: Decimal) -> Decimal {
    let nearest = decimal::round(periods, WHOLE_PERIOD_DECIMALS, RoundingMode::HalfEven);
    if nearest.fract().is_zero() { nearest.normalize() } else { periods }
}

fn periods(given: i64) -> Result<NonZeroU16, CashflowError> {
    u16::try_from(given).ok().and_then(NonZeroU16::new).ok_or_else(|| {
        CashflowError::PeriodsOutOfBounds { given: given.to_string(), max: u32::from(u16::MAX) }
    })
}

pub(super) fn too_low(rate: Decimal, above: Decimal) -> CashflowError {
    CashflowError::RateTooLow { rate: rate.to_string(), above: above.normalize().to_string() }
}

fn check_upper(rate: Decimal) -> Result<(), CashflowError> {
    if rate > Decimal::from(ANNUAL_RATE_MAX) {
        return Err(CashflowError::RateTooHigh { rate: rate.to_string() });
    }
    Ok(())
}

/// Refuses a rate at or below minus one, and one beyond the library's bounds.
pub(super) fn check_rate(rate: Decimal) -> Result<(), CashflowError> {
    if rate <= Decimal::NEGATIVE_ONE {
        return Err(too_low(rate, Decimal::NEGATIVE_ONE));
    }
    check_upper(rate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn all() -> Vec<Compounding> {
        let mut all = vec![Compounding::Simple, Compounding::Continuous];
        for n in [1, 2, 4, 12, 52, 365].map(|n| NonZeroU16::new(n).unwrap()) {
            all.extend([
                Compounding::Compounded(n),
                Compounding::SimpleThenCompounded(n),
                Compounding::CompoundedThenSimple(n),
            ]);
        }
        all
    }

    /// E. G. Haug, The Complete Guide to Option Pricing Formulas, pages 181 and 182: quarterly 8%
    /// is 8.2432% a year, continuous 12% is 12.7497% a year.
    #[test]
    fn conversions_of_the_books() {
        let four = |rate: Decimal| decimal::round(rate, 6, RoundingMode::HalfEven);
        assert_eq!(four(effective_rate(d("0.08"), 4).unwrap()), d("0.082432"));
        let converted =
            equivalent_rate(d("0.12"), Compounding::Continuous, Compounding::ANNUAL, d("1"));
        assert_eq!(four(converted.unwrap()), d("0.127497"));
        // The annual percentage yield of 5% compounded daily, as deposit brochures print it.
        assert_eq!(four(effective_rate(d("0.05"), 365).unwrap()), d("0.051267"));
    }

    #[test]
    fn whole_periods_are_exact() {
        let monthly = Compounding::parse("monthly").unwrap();
        assert_eq!(monthly.factor(d("0.12"), d("0.25")).unwrap(), d("1.030301"));
        // A third of a year of 28 digits is four months all the same.
        let third = div(Decimal::ONE, d("3")).unwrap();
        assert_eq!(monthly.factor(d("0.12"), third).unwrap(), d("1.04060401"));
        assert_eq!(monthly.factor(d("0.12"), d("0")).unwrap(), Decimal::ONE);
        let daily = Compounding::parse("daily").unwrap();
        let days = div(d("31"), d("365")).unwrap();
        assert_eq!(
            daily.factor(d("0.0365"), days).unwrap(),
            decimal::powu(d("1.0001"), 31).unwrap()
        );
    }

    #[test]
    fn mixed_compounding_turns_at_one_period() {
        let two = NonZeroU16::new(2).unwrap();
        let (rate, short, long) = (d("0.03"), d("0.5"), d("0.75"));
        let (simple, compounded) = (Compounding::Simple, Compounding::Compounded(two));
        for (years, first, second) in [(short, simple, compounded), (long, compounded, simple)] {
            assert_eq!(
                Compounding::SimpleThenCompounded(two).factor(rate, years),
                first.factor(rate, years)
            );
            assert_eq!(
                Compounding::CompoundedThenSimple(two).factor(rate, years),
                second.factor(rate, years)
            );
        }
    }

    #[test]
    fn names_are_read() {
        let monthly = Compounding::per_year(12).unwrap();
        for name in ["monthly", " Monthly ", "12", "P1M"] {
            assert_eq!(Compounding::parse(name).unwrap(), monthly, "{name}");
        }
        assert_eq!(Compounding::parse("continuous").unwrap(), Compounding::Continuous);
        assert_eq!(
            Compounding::of_kind("simple_then_compounded", 2).unwrap(),
            Compounding::SimpleThenCompounded(NonZeroU16::new(2).unwrap())
        );
        for name in ["", "0", "-1", "70000", "every 5 months", "compounded", "hourly"] {
            assert!(Compounding::parse(name).is_err(), "{name}");
        }
    }

    #[test]
    fn rates_that_leave_nothing_are_refused() {
        let monthly = Compounding::per_year(12).unwrap();
        assert!(matches!(monthly.factor(d("-12"), d("1")), Err(CashflowError::RateTooLow { .. })));
        assert!(matches!(
            Compounding::Simple.factor(d("-0.5"), d("2")),
            Err(CashflowError::RateTooLow { .. })
        ));
        assert!(matches!(nominal_rate(d("-1"), 12), Err(CashflowError::RateTooLow { .. })));
        assert!(matches!(
            Compounding::ANNUAL.factor(d("10001"), d("1")),
            Err(CashflowError::RateTooHigh { .. })
        ));
        assert!(matches!(
            Compounding::ANNUAL.factor(d("0.1"), d("-1")),
            Err(CashflowError::Negative { .. })
        ));
        assert!(matches!(
            Compounding::Simple.implied_rate(d("1.1"), d("0")),
            Err(CashflowError::NotPositive { .. })
        ));
        assert!(matches!(
            effective_rate(d("0.1"), 0),
            Err(CashflowError::PeriodsOutOfBounds { .. })
        ));
    }

    proptest! {
        #[test]
        fn conversions_go_there_and_back(
            basis_points in -2_000i64..8_000,
            // Beyond, simple interest at minus 20 per cent leaves nothing, which is refused elsewhere.
            days in 1i64..1_600,
            from in 0usize..20,
            to in 0usize..20,
        ) {
            let (rate, years) = (Decimal::new(basis_points, 4), Decimal::from(days) / d("365"));
            let (from, to) = (all()[from], all()[to]);
            let there = equivalent_rate(rate, from, to, years).unwrap();
            let back = equivalent_rate(there, to, from, years).unwrap();
            let factor = from.factor(rate, years).unwrap();
            prop_assert!((back - rate).abs() < Decimal::new(1, 20), "{rate} {there} {back}");
            let product = factor * to.discount_factor(there, years).unwrap();
            prop_assert!((product - Decimal::ONE).abs() < Decimal::new(1, 20));
        }

        #[test]
        fn nominal_undoes_effective(basis_points in -9_000i64..50_000, n in 1i64..400) {
            let effective = Decimal::new(basis_points, 4);
            let nominal = nominal_rate(effective, n).unwrap();
            let back = effective_rate(nominal, n).unwrap();
            prop_assert!((back - effective).abs() < Decimal::new(1, 24), "{effective} {back}");
        }
    }
}
