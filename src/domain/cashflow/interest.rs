//! Interest between two dates, at one rate or at rates that change on the way.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::CashflowError;
use super::compounding::{Compounding, Rule, check_rate};
use crate::domain::calendar::{DayCount, DayCountContext, Fraction, fraction};
use crate::domain::decimal::{add, div, mul, sub};

/// An annual rate and the day from which it is in force, until the next one takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateChange {
    /// First day on which interest accrues at the rate.
    pub effective: NaiveDate,
    /// Nominal annual rate as a fraction, 0.065 for 6.5 per cent.
    pub annual_rate: Decimal,
}

/// The time over which interest accrues: from `start` to `end`, without the end itself.
#[derive(Clone, Copy, Debug)]
pub struct InterestPeriod<'a> {
    /// First day that bears interest.
    pub start: NaiveDate,
    /// Day after the last that bears interest; not before the start.
    pub end: NaiveDate,
    /// How days become parts of a year.
    pub day_count: DayCount,
    /// What the day count must know besides.
    pub context: DayCountContext<'a>,
}

/// Simple interest: `principal` times the sum of rate times year fraction over the parts of the
/// period between rate changes, not rounded.
///
/// The sum is kept as one quotient and divided once, so a result of few digits is exact and ties
/// of a later rounding are ties: 102.60 at 10 per cent for 30/360 of a month is 0.855, not
/// 0.8549….
///
/// # Errors
/// [`CashflowError::BeforeStart`] for dates out of order, [`CashflowError::NoRateInForce`] and
/// [`CashflowError::TwoRatesOnADay`] for rates that leave open which applies,
/// [`CashflowError::RateTooLow`] at or below minus one, and what the day count refuses.
pub fn simple_interest(
    principal: Decimal,
    rates: &[RateChange],
    period: &InterestPeriod<'_>,
) -> Result<Decimal, CashflowError> {
    let mut sum = Quotient::ZERO;
    for part in parts(rates, period)? {
        check_rate(part.annual_rate)?;
        sum = sum.plus(part.annual_rate, part.fraction)?;
    }
    sum.times(principal)
}

/// Compound interest: `principal` times the product of the compound factors of the parts between
/// rate changes, less `principal`, not rounded.
///
/// A rate change within a compounding period splits the period: with rates r and s it grows by
/// `(1 + r/n)^u (1 + s/n)^v`, u and v being the parts of the period. Under simple compounding the
/// parts add up as in [`simple_interest`]; mixed compounding follows the rule that the whole time
/// calls for. Digits as in [`Compounding::factor`].
///
/// # Errors
/// As [`simple_interest`] and [`Compounding::factor`].
pub fn compound_interest(
    principal: Decimal,
    rates: &[RateChange],
    compounding: Compounding,
    period: &InterestPeriod<'_>,
) -> Result<Decimal, CashflowError> {
    let whole = fraction(period.day_count, period.start, period.end, &period.context)?;
    let rule = match period.start <= period.end {
        true => compounding.rule(whole.to_decimal()?)?,
        false => Rule::Simple,
    };
    if rule == Rule::Simple {
        return simple_interest(principal, rates, period);
    }
    let mut factor = Decimal::ONE;
    for part in parts(rates, period)? {
        factor = mul(factor, rule.factor(part.annual_rate, part.fraction.to_decimal()?)?)?;
    }
    Ok(mul(principal, sub(factor, Decimal::ONE)?)?)
}

/// A part of an interest period with a single rate.
struct Part {
    annual_rate: Decimal,
    fraction: Fraction,
}

/// The parts of a period between rate changes, in order.
fn parts(rates: &[RateChange], period: &InterestPeriod<'_>) -> Result<Vec<Part>, CashflowError> {
    let InterestPeriod { start, end, day_count, ref context } = *period;
    if end < start {
        return Err(CashflowError::BeforeStart {
            what: "the end of the interest period",
            start,
            date: end,
        });
    }
    let mut rates = rates.to_vec();
    rates.sort_by_key(|rate| rate.effective);
    if let Some(pair) = rates.windows(2).find(|pair| match pair {
        [one, next] => one.effective == next.effective,
        _ => false,
    }) {
        return Err(CashflowError::TwoRatesOnADay {
            effective: pair.first().map_or(start, |rate| rate.effective),
        });
    }
    let in_force = rates.partition_point(|rate| rate.effective <= start);
    let rates = in_force.checked_sub(1).and_then(|index| rates.get(index..)).ok_or(
        CashflowError::NoRateInForce { start, first: rates.first().map(|rate| rate.effective) },
    )?;
    let mut found = Vec::with_capacity(rates.len());
    for (index, rate) in rates.iter().enumerate() {
        let from = rate.effective.max(start);
        let to = rates.get(index + 1).map_or(end, |next| next.effective.min(end));
        found.push(Part {
            annual_rate: rate.annual_rate,
            fraction: fraction(day_count, from, to, context)?,
        });
        if to == end {
            break;
        }
    }
    Ok(found)
}

/// A sum of decimals over whole denominators, brought to a common one as long as that fits.
struct Quotient {
    numerator: Decimal,
    denominator: i64,
    /// What no common denominator could take up, already divided.
    divided: Decimal,
}

impl Quotient {
    const ZERO: Self = Self { numerator: Decimal::ZERO, denominator: 1, divided: Decimal::ZERO };

    /// The sum with `rate` times `part` added.
    fn plus(mut self, rate: Decimal, part: Fraction) -> Result<Self, CashflowError> {
        let share = mul(rate, Decimal::from(part.numerator))?;
        let common = least_common_multiple(self.denominator, part.denominator)
            .filter(|&common| common <= COMMON_DENOMINATOR_MAX);
        match common {
            Some(common) => {
                let own = mul(self.numerator, Decimal::from(common / self.denominator))?;
                let new = mul(share, Decimal::from(common / part.denominator))?;
                self.numerator = add(own, new)?;
                self.denominator = common;
            }
            None => {
                let quotient = div(share, Decimal::from(part.denominator))?;
                self.divided = add(self.divided, quotient)?;
            }
        }
        Ok(self)
    }

    fn times(self, principal: Decimal) -> Result<Decimal, CashflowError> {
        let exact = div(mul(principal, self.numerator)?, Decimal::from(self.denominator))?;
        Ok(add(exact, mul(principal, self.divided)?)?)
    }
}

/// Largest common denominator: beyond it products of principal, rate and days could lose digits.
const COMMON_DENOMINATOR_MAX: i64 = 1_000_000_000;

fn least_common_multiple(a: i64, b: i64) -> Option<i64> {
    let (mut divisor, mut rest) = (a, b);
    while rest != 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    (a / divisor).checked_mul(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::decimal;
    use proptest::prelude::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn period(start: &str, end: &str, day_count: DayCount) -> InterestPeriod<'static> {
        InterestPeriod {
            start: day(start),
            end: day(end),
            day_count,
            context: DayCountContext::default(),
        }
    }

    fn at(effective: &str, rate: &str) -> RateChange {
        RateChange { effective: day(effective), annual_rate: d(rate) }
    }

    #[test]
    fn a_result_of_few_digits_is_exact() {
        let month = period("2023-03-15", "2023-04-15", DayCount::ThirtyE360);
        let rates = [at("2020-01-01", "0.10")];
        assert_eq!(simple_interest(d("102.60"), &rates, &month).unwrap(), d("0.855"));
        // Across the new year of a leap year: 17/366 + 15/365, brought to one denominator.
        let turn = period("2024-12-15", "2025-01-16", DayCount::ActActIsda);
        let interest = simple_interest(d("1335.90"), &rates, &turn).unwrap();
        assert_eq!(interest, d("11.695"));
    }

    /// A floating-rate loan: 100,000 from 15 January to 15 July 2024 on ACT/360, 76 days at 5.25
    /// and 106 days at 5.5 per cent.
    #[test]
    fn a_rate_change_splits_the_period() {
        let half = period("2024-01-15", "2024-07-15", DayCount::Act360);
        let rates = [at("2024-03-31", "0.055"), at("2023-12-01", "0.0525"), at("2024-07-15", "9")];
        let interest = simple_interest(d("100000"), &rates, &half).unwrap();
        let by_hand = d("100000") * (d("0.0525") * d("76") + d("0.055") * d("106")) / d("360");
        assert_eq!(interest, by_hand);
        assert_eq!(decimal::round(interest, 2, Default::default()), d("2727.78"));
        let none = period("2024-01-15", "2024-01-15", DayCount::Act360);
        assert_eq!(simple_interest(d("100000"), &rates, &none).unwrap(), Decimal::ZERO);
    }

    #[test]
    fn compounding_follows_its_frequency() {
        let year = period("2023-01-01", "2024-01-01", DayCount::Act365Fixed);
        let rates = [at("2023-01-01", "0.12")];
        let grown = |name: &str, rates: &[RateChange]| {
            compound_interest(d("1000"), rates, Compounding::parse(name).unwrap(), &year).unwrap()
        };
        assert_eq!(grown("annual", &rates), d("120"));
        assert_eq!(grown("semi_annual", &rates), d("123.600"));
        assert_eq!(grown("monthly", &rates), d("126.825030131969720661201"));
        assert_eq!(grown("simple", &rates), d("120"));
        // 1000 (e^0.12 - 1) and 1000 (1 + 0.12/365)^365 - 1000 to 24 digits.
        let gap = |found: Decimal, wanted: &str| (found - d(wanted)).abs() < d("1e-21");
        assert!(gap(grown("continuous", &rates), "127.496851579375671479265569"));
        assert!(gap(grown("daily", &rates), "127.474615638402600786180813"));
        // 90 of 365 days at 12 per cent and the rest at 6, twice a year: powers that are not whole.
        let changing = [at("2023-01-01", "0.12"), at("2023-04-01", "0.06")];
        assert!(gap(grown("semi_annual", &changing), "76.0274933605292491599750303"));
        assert_eq!(
            grown("simple", &changing),
            d("1000") * (d("0.12") * d("90") + d("0.06") * d("275")) / d("365")
        );
    }

    #[test]
    fn what_leaves_the_rate_open_is_refused() {
        let year = period("2023-01-01", "2024-01-01", DayCount::Act365Fixed);
        let backwards = period("2024-01-01", "2023-01-01", DayCount::Act365Fixed);
        let one = [at("2023-01-01", "0.1")];
        assert!(matches!(
            simple_interest(d("1"), &[], &year),
            Err(CashflowError::NoRateInForce { first: None, .. })
        ));
        assert!(matches!(
            simple_interest(d("1"), &[at("2023-01-02", "0.1")], &year),
            Err(CashflowError::NoRateInForce { first: Some(_), .. })
        ));
        assert!(matches!(
            simple_interest(d("1"), &[one[0], one[0]], &year),
            Err(CashflowError::TwoRatesOnADay { .. })
        ));
        for result in [
            simple_interest(d("1"), &one, &backwards),
            compound_interest(d("1"), &one, Compounding::ANNUAL, &backwards),
        ] {
            assert!(matches!(result, Err(CashflowError::BeforeStart { .. })));
        }
        assert!(matches!(
            simple_interest(d("1"), &[at("2023-01-01", "-1")], &year),
            Err(CashflowError::RateTooLow { .. })
        ));
        let needs_context = period("2023-01-01", "2024-01-01", DayCount::ActActIcma);
        assert!(matches!(
            simple_interest(d("1"), &one, &needs_context),
            Err(CashflowError::Calendar(_))
        ));
    }

    proptest! {
        /// A change to the rate already in force changes nothing, wherever it falls.
        #[test]
        fn a_change_to_the_same_rate_changes_nothing(
            cents in 1i64..100_000_000_000,
            rate in 0i64..5_000,
            days in 1u64..4_000,
            cuts in proptest::collection::btree_set(1u64..4_000, 0..5),
            per_year in 1i64..366,
        ) {
            let start = day("2019-05-07");
            let end = start + chrono::Days::new(days);
            let (principal, annual_rate) = (Decimal::new(cents, 2), Decimal::new(rate, 4));
            for day_count in [DayCount::Act365Fixed, DayCount::ActActIsda, DayCount::Nl365] {
                let period =
                    InterestPeriod { start, end, day_count, context: DayCountContext::default() };
                let plain = [RateChange { effective: start, annual_rate }];
                let mut changes = plain.to_vec();
                changes.extend(cuts.iter().map(|&cut| RateChange {
                    effective: start + chrono::Days::new(cut),
                    annual_rate,
                }));
                prop_assert_eq!(
                    simple_interest(principal, &plain, &period).unwrap(),
                    simple_interest(principal, &changes, &period).unwrap()
                );
                let compounding = Compounding::per_year(per_year).unwrap();
                let one = compound_interest(principal, &plain, compounding, &period).unwrap();
                let many = compound_interest(principal, &changes, compounding, &period).unwrap();
                prop_assert!((one - many).abs() <= (one + principal) * Decimal::new(1, 21));
            }
        }
    }
}
