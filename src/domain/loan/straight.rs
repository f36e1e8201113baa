//! Straight lines of amounts by the day, and until when rounding them tells what is really so.
//!
//! An amount that grows by the same part every day is told for every day by where it starts and
//! that part. What is asked for is the rounded amount, and it is rounded from what was computed on
//! the way, with the roundings of that way; so the line must stay on the right side of each place
//! at which the rounding turns. Those are found without looking at the days: the days on which
//! `a + b k` comes close to a whole number and a half are those on which a multiple of a fraction
//! of 2^64 falls into a short interval, and the first of them follows as in Euclid's algorithm.

use rust_decimal::Decimal;

use super::terms::Rounding;
use crate::domain::decimal::{self, ArithmeticError, add, mul, sub};
use crate::domain::money::RoundingMode;

/// Days close to a turn of the rounding that are looked at; a line ends at the one after.
const TURNS_MAX: u32 = 40;
/// Days that are stepped through; over more of them the first one is computed.
const STEPS_MAX: u64 = 400;
/// Decimals of a minor unit that are looked at.
const DECIMALS: u32 = 18;
/// The least that a line is moved to stay clear of a turn, a billionth of a minor unit.
const MOVE_DECIMALS: u32 = 9;

/// What grows by the same part every day. Amounts are in currency units.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Course {
    /// The amount on the first day, not rounded.
    pub(crate) start: Decimal,
    /// What a day adds, not rounded.
    pub(crate) per_day: Decimal,
    /// The last day after the first on which it still grows so.
    pub(crate) last: i64,
    /// How far what is computed may be from the line, before it is rounded.
    pub(crate) error: Decimal,
}

/// A line that rounds to what is so on each of its days.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Line {
    /// The amount on the first day, not rounded.
    pub(crate) base: Decimal,
    /// What a day adds, not rounded.
    pub(crate) per_day: Decimal,
    /// How many days it holds, the first one counted.
    pub(crate) days: i64,
}

impl Line {
    /// One amount on one day.
    pub(crate) fn day(amount: Decimal) -> Self {
        Self { base: amount, per_day: Decimal::ZERO, days: 1 }
    }
}

impl Course {
    /// The line of the course, where `actual` is the rounded amount on a day counted from the
    /// first. It ends before the first day that no such line can tell.
    pub(crate) fn line<E: From<ArithmeticError>>(
        &self,
        rounding: &Rounding,
        actual: impl Fn(i64) -> Result<Decimal, E>,
    ) -> Result<Line, E> {
        let units = rounding.minor_units;
        let round = |amount| decimal::round(amount, units, rounding.mode);
        let least = Decimal::new(1, (units + MOVE_DECIMALS).min(Decimal::MAX_SCALE));
        let step = mul(self.error.max(least), Decimal::from(4))?;
        let back = sub(Decimal::ZERO, step)?;
        let near = mul(step, Decimal::TWO)?;
        if near >= Decimal::new(1, units + 1) {
            return Ok(Line::day(actual(0)?));
        }
        let mut line = Line { base: self.start, per_day: self.per_day, days: self.last + 1 };
        let (mut moved, mut from) = (false, 0);
        for turn in 0..=TURNS_MAX {
            let Some(day) = self.near_turn(rounding, near, from)? else { return Ok(line) };
            let wanted = actual(day)?;
            let tells = |base, aside| {
                let there = add(add(base, aside)?, mul(self.per_day, Decimal::from(day))?)?;
                Ok::<_, ArithmeticError>(round(there) == wanted)
            };
            let (above, below) = (tells(line.base, step)?, tells(line.base, back)?);
            let fits = match (above, below) {
                (true, true) => true,
                _ if moved => tells(line.base, Decimal::ZERO)?,
                (above, below) => {
                    let aside = if above { step } else { back };
                    line.base = add(line.base, aside)?;
                    moved = true;
                    above || below
                }
            };
            if !fits || turn == TURNS_MAX {
                line.days = day;
                break;
            }
            from = day + 1;
        }
        Ok(if line.days > 0 { line } else { Line::day(actual(0)?) })
    }

    /// The first day from one on when the course comes near to where the rounding turns.
    fn near_turn(
        &self,
        rounding: &Rounding,
        near: Decimal,
        from: i64,
    ) -> Result<Option<i64>, ArithmeticError> {
        if from > self.last {
            return Ok(None);
        }
        let units = rounding.minor_units;
        let start = add(self.start, mul(self.per_day, Decimal::from(from))?)?;
        let turn: u64 = match rounding.mode {
            RoundingMode::HalfEven | RoundingMode::HalfUp | RoundingMode::HalfDown => 1 << 63,
            _ => 0,
        };
        let near = fraction(near, units);
        let low = turn.wrapping_sub(near).wrapping_sub(fraction(start, units));
        let (step, wide) = (fraction(self.per_day, units), near * 2);
        let left = u64::try_from(self.last - from).unwrap_or(0);
        let found = if left <= STEPS_MAX {
            // A step is an addition; up to some hundred of them cost less than a division.
            (0..=left).find(|days| step.wrapping_mul(*days).wrapping_sub(low) <= wide)
        } else {
            let (low, wide) = (u128::from(low), u128::from(wide));
            let found = first_within(u128::from(step), 1 << 64, low, low + wide);
            found.and_then(|days| u64::try_from(days).ok())
        };
        let day = found.and_then(|days| i64::try_from(days).ok()).map(|days| from + days);
        Ok(day.filter(|day| *day <= self.last))
    }
}

/// What of an amount is beyond whole minor units, in parts of 2^64; of a negative one, what it is
/// beyond the whole number below.
fn fraction(amount: Decimal, units: u32) -> u64 {
    let kept = amount.trunc_with_scale((units + DECIMALS).min(Decimal::MAX_SCALE));
    let decimals = kept.scale().saturating_sub(units);
    let whole = 10i128.pow(decimals);
    let beyond = kept.mantissa().rem_euclid(whole).unsigned_abs();
    u64::try_from((beyond << 64) / whole.unsigned_abs()).unwrap_or(u64::MAX)
}

/// The least `k` that is not negative for which `step × k mod modulus` is from `low` to `high`; an
/// interval that reaches beyond the modulus has zero in it.
fn first_within(step: u128, modulus: u128, low: u128, high: u128) -> Option<u128> {
    if low == 0 || high >= modulus {
        return Some(0);
    }
    if step == 0 {
        return None;
    }
    let first = low.div_ceil(step);
    if first.checked_mul(step)? <= high {
        return Some(first);
    }
    // No multiple of the step is within: some rounds of the modulus must be taken off first.
    let rest = |of: u128| (step - of % step) % step;
    let rounds = first_within(modulus % step, step, rest(high), rest(low))?;
    low.checked_add(modulus.checked_mul(rounds)?)?.div_ceil(step).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Stepping and computing find the same day.
    #[test]
    fn a_long_course_turns_where_a_short_one_does() {
        let rounding = Rounding::default();
        let near = Decimal::new(1, 5);
        for cents in 1..200 {
            let course = |last| Course {
                start: Decimal::ZERO,
                per_day: Decimal::new(cents, 2) / Decimal::from(31 * 7),
                last,
                error: Decimal::ZERO,
            };
            let short = course(STEPS_MAX as i64).near_turn(&rounding, near, 0).unwrap();
            let long = course(36_500).near_turn(&rounding, near, 0).unwrap();
            assert_eq!(short, long.filter(|day| *day <= STEPS_MAX as i64));
        }
    }

    #[test]
    fn the_first_multiple_within_an_interval_is_found() {
        for modulus in 1u128..40 {
            for step in 0..modulus {
                for low in 0..modulus {
                    for high in low..modulus {
                        let within = |k: &u128| (low..=high).contains(&(step * k % modulus));
                        let expected = (0..modulus).find(within);
                        assert_eq!(first_within(step, modulus, low, high), expected);
                    }
                }
            }
        }
    }

    const MODES: [RoundingMode; 7] = [
        RoundingMode::HalfEven,
        RoundingMode::HalfUp,
        RoundingMode::HalfDown,
        RoundingMode::Up,
        RoundingMode::Down,
        RoundingMode::Ceiling,
        RoundingMode::Floor,
    ];

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        /// Shares by days of an amount, and an amount before them: ties are common.
        #[test]
        fn a_line_rounds_to_each_share(
            before in 0i64..1000, amount in 0i64..5000, days in 1i64..40, from in 0i64..40, mode in 0usize..7,
        ) {
            let rounding = Rounding { mode: MODES[mode], ..Rounding::default() };
            let from = from.min(days);
            let (before, amount) = (Decimal::new(before, 2), Decimal::new(amount, 2));
            let share = |day: i64| amount * Decimal::from(day) / Decimal::from(days);
            let actual = |day: i64| {
                let share = decimal::round(share(from + day), 2, rounding.mode);
                Ok::<_, ArithmeticError>(before + share)
            };
            let course = Course {
                start: before + share(from),
                per_day: amount / Decimal::from(days),
                last: days - from,
                error: Decimal::ZERO,
            };
            let line = course.line(&rounding, actual).unwrap();
            prop_assert!(line.days >= 1 && line.days <= days - from + 1);
            for day in 0..line.days {
                let told = line.base + line.per_day * Decimal::from(day);
                prop_assert_eq!(decimal::round(told, 2, rounding.mode), actual(day).unwrap());
            }
            // It ends early only where two ties turn two ways, or where nothing but zero is zero.
            let halves = (0..=days - from).filter(|day| {
                (amount * Decimal::from(200 * (from + day))) % Decimal::from(2 * days) == Decimal::from(days)
            });
            let cut = rounding.mode == RoundingMode::HalfEven && halves.count() > 1;
            let cut = cut || (rounding.mode == RoundingMode::Up && course.start.is_zero());
            prop_assert!(cut || line.days == days - from + 1, "{:?}", line);
        }
    }
}
