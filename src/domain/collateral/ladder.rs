//! The margin ladder: within which prices a pool of collateral stays at its level.
//!
//! A pool is worth `V = F + Σ wᵢ pᵢ xᵢ`: what does not follow a price, and quantities (after purity,
//! haircut and share) times prices, those in a foreign currency times an exchange rate. It keeps its
//! level while `V` lies above `D / e`, where the next level is entered, and up to `D / l`, below which
//! ratio the present one is left. A band for each price and rate divides that: as long as every one
//! stays in its own, the sum cannot leave, so a tick needs to look only at pools whose band of that
//! very price it left. These are looked at exactly and given new bands. A band may be too narrow,
//! which costs a look; it is never too wide, so nothing is missed.
//!
//! The slack is divided so that every price may fall by the same part, or rise by it: with
//! `r = (D / e − F) / (V − F)` each price may come down to `r pᵢ`. Where an exchange rate is a
//! factor, both may come down to `(1 + r) / 2`, the square of which is at least `r`; upwards the
//! price may come to `a = (1 + r) / 2` and the rate to `r / a`. For one price at home the band is the
//! crossing price itself.
//!
//! Debt grows by interest as days pass. The upper level is told from the debt on the last day the
//! bands hold for, which is chosen so that interest takes at most half of the slack.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::valuation::{not_negative, positive};
use super::{CollateralError, Levels};
use crate::domain::decimal::{add, div, mul, round_significant, sub};
use crate::domain::rounding::RoundingMode;

/// Digits of a band: enough for every price there is, few enough to be short in a table.
const BAND_DIGITS: u32 = 12;

/// By how much the thresholds of the value are drawn in, as a part of them: far more than what
/// arithmetic of 28 digits loses, far less than a digit of a band.
const DRAWN_IN: Decimal = Decimal::from_parts(1, 0, 0, false, 18);

/// The most that a price may rise within a band, as a multiple: more than any does.
const RISE_MAX: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);

/// What a pool holds of an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// What one unit of price adds to the value: quantity × purity × (1 − haircut) × share.
    pub weight: Decimal,
    /// The price, in its own currency.
    pub price: Decimal,
    /// The exchange rate into the currency of the pool, where that is another.
    pub rate: Option<Decimal>,
}

/// A pool as it is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Pool<'a> {
    /// The levels of its ratio.
    pub levels: &'a Levels,
    /// The level it is at.
    pub level: usize,
    /// What is owed today.
    pub debt: Decimal,
    /// What is owed more with each day.
    pub debt_per_day: Decimal,
    /// How many days from today that line and the fixed value hold for certain.
    pub days_max: u32,
    /// What it is worth whatever the prices are.
    pub fixed: Decimal,
    /// What follows prices.
    pub legs: &'a [Leg],
    /// Whether a price is missing or old: then nothing is cured.
    pub is_held: bool,
}

/// The prices between which nothing happens: above `falls_at`, up to `rises_at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band {
    /// At this price and below it the pool must be looked at; at none when `None`.
    pub falls_at: Option<Decimal>,
    /// Above this price the pool must be looked at; above none when `None`.
    pub rises_at: Option<Decimal>,
}

impl Band {
    /// Whether a price lies within it.
    pub fn holds(&self, price: Decimal) -> bool {
        self.falls_at.is_none_or(|falls_at| price > falls_at)
            && self.rises_at.is_none_or(|rises_at| price <= rises_at)
    }
}

/// The bands of the legs of a pool, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bands {
    /// Those of the prices.
    pub prices: Vec<Band>,
    /// Those of the exchange rates, where there are any.
    pub rates: Vec<Option<Band>>,
}

/// What a look at a pool tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// What its collateral is worth.
    pub value: Decimal,
    /// The level it is at now.
    pub level: usize,
    /// For how many days from today the bands hold; 0 for today alone.
    pub days: u32,
    /// Where it is to be looked at again.
    pub bands: Bands,
}

/// Looks at a pool exactly and tells where it is to be looked at again.
///
/// # Errors
/// [`CollateralError`] for a weight or fixed value below zero, a price or rate that is not positive,
/// and a value out of range.
pub fn look(pool: &Pool<'_>) -> Result<Look, CollateralError> {
    let value = value(pool)?;
    let exact = pool.levels.next(pool.level, pool.debt, value)?;
    let level = if pool.is_held { exact.max(pool.level.min(pool.levels.count())) } else { exact };
    let days = days_held(pool, level, value)?;
    // What was not allowed to come down is looked at with every price until it may.
    let is_kept_up = exact < level;
    let (falls_by, rises_by) =
        if is_kept_up { (None, Some(Decimal::ZERO)) } else { ratios(pool, level, value, days)? };
    let mut bands = Bands {
        prices: Vec::with_capacity(pool.legs.len()),
        rates: Vec::with_capacity(pool.legs.len()),
    };
    for leg in pool.legs {
        let (price, rate) = divided(leg, falls_by, rises_by)?;
        bands.prices.push(price);
        bands.rates.push(rate);
    }
    Ok(Look { value, level, days, bands })
}

/// What the collateral is worth.
fn value(pool: &Pool<'_>) -> Result<Decimal, CollateralError> {
    let mut value = not_negative("the fixed value", pool.fixed)?;
    for leg in pool.legs {
        let weight = not_negative("the weight", leg.weight)?;
        let mut part = mul(weight, positive("the price", leg.price)?)?;
        if let Some(rate) = leg.rate {
            part = mul(part, positive("the exchange rate", rate)?)?;
        }
        value = add(value, part)?;
    }
    Ok(value)
}

/// For how many days interest takes no more than half of what is left to the next level.
fn days_held(pool: &Pool<'_>, level: usize, value: Decimal) -> Result<u32, CollateralError> {
    if pool.debt_per_day < Decimal::ZERO {
        return Ok(0);
    }
    let (Some(enter), false) = (pool.levels.enter_after(level), pool.debt_per_day.is_zero()) else {
        return Ok(pool.days_max);
    };
    let slack = sub(mul(enter, value)?, pool.debt)?.max(Decimal::ZERO);
    let twice = mul(pool.debt_per_day, Decimal::TWO)?;
    // More days than a division can tell are more than there may be.
    let days = slack.checked_div(twice).and_then(|days| days.floor().to_u32());
    Ok(days.unwrap_or(u32::MAX).min(pool.days_max))
}

/// What every price may come down to, and up to, as a part of what it is; `None` where nothing
/// happens however far it goes.
fn ratios(
    pool: &Pool<'_>,
    level: usize,
    value: Decimal,
    days: u32,
) -> Result<(Option<Decimal>, Option<Decimal>), CollateralError> {
    let follows = sub(value, pool.fixed)?;
    if pool.debt <= Decimal::ZERO || follows <= Decimal::ZERO {
        return Ok((None, None));
    }
    let part = |threshold: Decimal| -> Result<Decimal, CollateralError> {
        let part = sub(threshold, pool.fixed)?.checked_div(follows).unwrap_or(RISE_MAX);
        Ok(part.clamp(Decimal::ZERO, RISE_MAX))
    };
    let falls_by = match pool.levels.enter_after(level) {
        None => None,
        Some(enter) => {
            let debt = add(pool.debt, mul(pool.debt_per_day, Decimal::from(days))?)?;
            let threshold = mul(div(debt, enter)?, add(Decimal::ONE, DRAWN_IN)?)?;
            Some(part(threshold)?).filter(|part| *part > Decimal::ZERO)
        }
    };
    let rises_by = match pool.levels.leave(level) {
        None => None,
        Some(leave) => Some(part(mul(div(pool.debt, leave)?, sub(Decimal::ONE, DRAWN_IN)?)?)?),
    };
    Ok((falls_by, rises_by))
}

/// The bands of a leg: the whole part for a price at home, divided between price and rate abroad.
fn divided(
    leg: &Leg,
    falls_by: Option<Decimal>,
    rises_by: Option<Decimal>,
) -> Result<(Band, Option<Band>), CollateralError> {
    let band = |of: Decimal, down: Option<Decimal>, up: Option<Decimal>| {
        let rounded = |part: Option<Decimal>, mode| -> Result<Option<Decimal>, CollateralError> {
            match part {
                None => Ok(None),
                Some(part) => Ok(Some(round_significant(mul(of, part)?, BAND_DIGITS, mode))),
            }
        };
        Ok::<Band, CollateralError>(Band {
            falls_at: rounded(down, RoundingMode::Up)?,
            rises_at: rounded(up, RoundingMode::Down)?,
        })
    };
    let Some(rate) = leg.rate else {
        return Ok((band(leg.price, falls_by, rises_by)?, None));
    };
    let halfway = |part: Option<Decimal>| -> Result<Option<Decimal>, CollateralError> {
        match part {
            None => Ok(None),
            Some(part) => Ok(Some(div(add(Decimal::ONE, part)?, Decimal::TWO)?)),
        }
    };
    let down = halfway(falls_by)?;
    let (up, rate_up) = match (halfway(rises_by)?, rises_by) {
        // Looked at with every price: the rate counts as one.
        (_, Some(part)) if part.is_zero() => (rises_by, rises_by),
        (Some(half), Some(part)) => (Some(half), Some(div(part, half)?)),
        _ => (None, None),
    };
    Ok((band(leg.price, down, up)?, Some(band(rate, down, rate_up)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn levels() -> Levels {
        Levels::new(&[d("0.75"), d("0.85"), d("0.9")], d("0.02")).unwrap()
    }

    fn pool<'a>(levels: &'a Levels, legs: &'a [Leg], level: usize, debt: &str) -> Pool<'a> {
        Pool {
            levels,
            level,
            debt: d(debt),
            debt_per_day: Decimal::ZERO,
            days_max: 30,
            fixed: Decimal::ZERO,
            legs,
            is_held: false,
        }
    }

    #[test]
    fn the_band_of_one_asset_is_its_crossing_prices() {
        let levels = levels();
        let leg = [Leg { weight: d("10"), price: d("100"), rate: None }];
        let seen = look(&pool(&levels, &leg, 0, "800")).unwrap();
        assert_eq!((seen.value, seen.level, seen.days), (d("1000"), 1, 30));
        // 800 / 0.85 / 10 = 94.117…; 800 / 0.73 / 10 = 109.589…
        let band = seen.bands.prices[0];
        assert_eq!(band.falls_at.unwrap().round_dp(6), d("94.117647"));
        assert_eq!(band.rises_at.unwrap().round_dp(6), d("109.589041"));
        assert!(band.holds(d("94.1177")) && !band.holds(d("94.1176")));
    }

    #[test]
    fn what_covers_the_debt_alone_needs_no_price() {
        let levels = levels();
        let leg = [Leg { weight: d("1"), price: d("10"), rate: None }];
        let mut rich = pool(&levels, &leg, 0, "70");
        rich.fixed = d("100");
        let seen = look(&rich).unwrap();
        assert_eq!(seen.level, 0);
        assert_eq!(seen.bands.prices[0], Band { falls_at: None, rises_at: None });
    }

    #[test]
    fn interest_takes_at_most_half_of_the_slack() {
        let levels = levels();
        let leg = [Leg { weight: d("10"), price: d("100"), rate: None }];
        let mut owed = pool(&levels, &leg, 0, "700");
        owed.debt_per_day = d("2");
        let seen = look(&owed).unwrap();
        // 50 are left to 75 %; 12 days take 24 of them.
        assert_eq!((seen.level, seen.days), (0, 12));
        assert_eq!(
            seen.bands.prices[0].falls_at.unwrap().round_dp(6),
            (d("724") / d("7.5")).round_dp(6)
        );
    }

    #[test]
    fn an_old_price_cures_nothing() {
        let levels = levels();
        let leg = [Leg { weight: d("10"), price: d("200"), rate: Some(d("1.1")) }];
        let mut held = pool(&levels, &leg, 2, "800");
        held.is_held = true;
        let seen = look(&held).unwrap();
        assert_eq!(seen.level, 2);
        assert!(!seen.bands.prices[0].holds(d("0.01")), "every price has it looked at again");
        assert!(!seen.bands.rates[0].unwrap().holds(d("0.01")));
        held.is_held = false;
        assert_eq!(look(&held).unwrap().level, 0);
        // What is worse counts all the same.
        let worse = [Leg { weight: d("10"), price: d("80"), rate: None }];
        let mut held = pool(&levels, &worse, 0, "790");
        held.is_held = true;
        assert_eq!(look(&held).unwrap().level, 3);
    }

    #[test]
    fn what_cannot_be_valued_is_refused() {
        let levels = levels();
        let refused = |leg: Leg| look(&pool(&levels, &[leg], 0, "1")).is_err();
        assert!(refused(Leg { weight: d("-1"), price: d("1"), rate: None }));
        assert!(refused(Leg { weight: d("1"), price: d("0"), rate: None }));
        assert!(refused(Leg { weight: d("1"), price: d("1"), rate: Some(d("0")) }));
        assert!(refused(Leg { weight: d("1e20"), price: d("1e20"), rate: None }));
        // Dust that owes a fortune is looked at, not refused.
        let dust = [Leg { weight: d("0.0000000000000001"), price: d("0.000001"), rate: None }];
        assert_eq!(look(&pool(&levels, &dust, 0, "1000000000000000")).unwrap().level, 3);
    }
}
