//! The recurrence of a level schedule in 64-bit integers, decided exactly.

use crate::domain::money::RoundingMode;

/// One row of a level schedule, in minor units of the currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LevelRow {
    /// Principal repaid.
    pub principal: i64,
    /// Interest paid.
    pub interest: i64,
    /// Principal and interest.
    pub total: i64,
    /// Principal still owed after the row.
    pub closing: i64,
}

/// A period's factor as a binary fraction, with the bound of its error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedFactor {
    /// The factor times 2^64, to the nearest.
    fraction: u64,
}

/// How the binary product of a balance is turned into whole minor units.
#[derive(Clone, Copy, Debug)]
pub struct Rounder {
    /// What is added to the product so that cutting its lower half rounds it.
    bias: u64,
    /// Error of the product for each minor unit of balance, in units of 2^-64.
    error_per_unit: u64,
}

/// 2^64, the weight of the binary point.
const TWO_64: f64 = 18_446_744_073_709_551_616.0;

impl FixedFactor {
    /// The fraction of a factor given as `numerator` / 10^`decimals`.
    ///
    /// `None` for a factor of one or more, which no fraction holds, and for a negative one.
    pub fn new(numerator: i128, decimals: u32) -> Option<Self> {
        let denominator = 10u128.checked_pow(decimals)?;
        let numerator = u128::try_from(numerator).ok().filter(|n| *n < denominator)?;
        if let (Ok(short), Ok(by)) = (u64::try_from(numerator), u64::try_from(denominator)) {
            let (whole, by) = (u128::from(short) << 64, u128::from(by));
            let rounded_up = whole % by >= by - whole % by;
            let fraction = u64::try_from(whole / by).ok()?;
            return fraction.checked_add(u64::from(rounded_up)).map(|fraction| Self { fraction });
        }
        // Long division in base 2, since numerator x 2^64 may need 160 bits.
        let (mut remainder, mut fraction) = (numerator, 0u64);
        for _ in 0..64 {
            remainder <<= 1;
            fraction <<= 1;
            if remainder >= denominator {
                remainder -= denominator;
                fraction |= 1;
            }
        }
        let rounded_up = remainder >= denominator - remainder;
        fraction.checked_add(u64::from(rounded_up)).map(|fraction| Self { fraction })
    }
}

impl Rounder {
    /// A rounder that agrees with exact arithmetic carried to `precision` significant digits.
    pub fn new(mode: RoundingMode, precision: u32) -> Self {
        let bias = match mode {
            RoundingMode::HalfEven | RoundingMode::HalfUp | RoundingMode::HalfDown => 1 << 63,
            RoundingMode::Up | RoundingMode::Ceiling => u64::MAX,
            RoundingMode::Down | RoundingMode::Floor => 0,
        };
        // Half a unit of 2^-64 from the fraction, and half a unit in the last digit kept from each
        // of the up to three roundings on the way of the exact arithmetic; all of it doubled.
        let digits = i32::try_from(precision).unwrap_or(i32::MAX);
        // Of one digit nothing is certain.
        let error_per_unit = ((TWO_64 * 4.0 * 10f64.powi(1 - digits)) as u64).saturating_add(2);
        Self { bias, error_per_unit }
    }

    /// Interest on a balance, or `None` where only the exact arithmetic can tell.
    #[inline(always)]
    pub(crate) fn interest(self, balance: u64, factor: FixedFactor) -> Option<u64> {
        let product = u128::from(balance) * u128::from(factor.fraction) + u128::from(self.bias);
        let low = product as u64;
        // Ties, or whole numbers where the mode is directed, lie where the lower half wraps.
        let error = balance.saturating_mul(self.error_per_unit).saturating_add(2);
        let decided = low.wrapping_add(error) > error.saturating_mul(2);
        decided.then_some((product >> 64) as u64)
    }
}

/// Runs the recurrence into `rows`, one for each factor, the last row repaying what is left.
///
/// `exact` gives the interest of a row on a balance where the fast product cannot decide it.
/// `None` if the loan does not amortise: an instalment that does not cover its interest, or a
/// balance repaid before the last row; or if `exact` has no answer. Such schedules are for the
/// general engine.
pub fn level_rows(
    principal: i64,
    instalment: i64,
    factors: &[FixedFactor],
    rounder: Rounder,
    exact: impl Fn(usize, i64) -> Option<i64>,
    rows: &mut Vec<LevelRow>,
) -> Option<()> {
    rows.clear();
    let (&of_last, before_last) = factors.split_last()?;
    rows.reserve(factors.len());
    let mut balance = principal;
    let interest_on = |index: usize, balance: i64, factor: FixedFactor| match rounder
        .interest(balance.unsigned_abs(), factor)
    {
        Some(interest) => Some(interest as i64),
        None => exact(index, balance),
    };
    for (index, &factor) in before_last.iter().enumerate() {
        let interest = interest_on(index, balance, factor)?;
        let repaid = instalment - interest;
        if repaid < 0 || repaid >= balance {
            return None;
        }
        balance -= repaid;
        rows.push(LevelRow { principal: repaid, interest, total: instalment, closing: balance });
    }
    let interest = interest_on(before_last.len(), balance, of_last)?;
    rows.push(LevelRow {
        principal: balance,
        interest,
        total: balance.checked_add(interest)?,
        closing: 0,
    });
    Some(())
}
