//! How much of a price to leave out of account: the quantile of what it lost over some days.

use super::CollateralError;

/// The loss that a price did not exceed, with a confidence, over a horizon of so many rows: the
/// quantile (type 7, as `percentile_cont`) of `1 − p(t+h) / p(t)` over all overlapping spans, and
/// no less than zero.
///
/// # Errors
/// [`CollateralError`] for a confidence that does not lie between 0 and 1, a horizon of no rows, a
/// price that is not positive, and fewer losses than the confidence needs for one to lie beyond it:
/// 100 for 0.99.
pub fn suggest_haircut(
    prices: &[f64],
    confidence: f64,
    horizon: usize,
) -> Result<f64, CollateralError> {
    if !(confidence > 0.0 && confidence < 1.0) {
        return Err(CollateralError::OutOfRange {
            what: "the confidence",
            value: confidence.to_string(),
        });
    }
    if horizon == 0 {
        return Err(CollateralError::OutOfRange { what: "the horizon", value: "0".into() });
    }
    if let Some(bad) = prices.iter().find(|price| !(price.is_finite() && **price > 0.0)) {
        return Err(CollateralError::BadPrice(bad.to_string()));
    }
    let mut losses: Vec<f64> = prices
        .iter()
        .zip(prices.iter().skip(horizon))
        .map(|(then, now)| 1.0 - now / then)
        .collect();
    // The allowance keeps 1 / (1 − 0.99) at 100 in spite of the digits of a double.
    let needed = (1.0 / (1.0 - confidence) - 1e-6).ceil().max(2.0) as usize;
    if losses.len() < needed {
        return Err(CollateralError::TooFewPrices { losses: losses.len(), needed });
    }
    losses.sort_by(f64::total_cmp);
    Ok(quantile(&losses, confidence).max(0.0))
}

/// The quantile of values in order, between the two values around it (type 7).
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let place = last as f64 * part;
    let below = place.floor();
    let value = |index: f64| sorted.get((index as usize).min(last)).copied().unwrap_or(f64::NAN);
    value(below) + (place - below) * (value(below + 1.0) - value(below))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_haircut_is_a_quantile_of_losses() {
        // Losses of 1 %, 2 %, … 100 steps; one day: the median of losses 0.01 to 1.00 per cent.
        let mut prices = vec![1000.0];
        for step in 1..=100 {
            let last = *prices.last().unwrap();
            prices.push(last * (1.0 - f64::from(step) / 10_000.0));
        }
        let median = suggest_haircut(&prices, 0.5, 1).unwrap();
        assert!((median - 0.00505).abs() < 1e-12, "{median}");
        let tail = suggest_haircut(&prices, 0.99, 1).unwrap();
        assert!((tail - 0.009_901).abs() < 1e-12, "{tail}");
        // What only rises needs none.
        let rising: Vec<f64> = (1..=200).map(f64::from).collect();
        assert_eq!(suggest_haircut(&rising, 0.99, 10).unwrap(), 0.0);
    }

    #[test]
    fn what_tells_nothing_is_refused() {
        let prices = [1.0; 100];
        assert!(matches!(
            suggest_haircut(&prices, 0.99, 1),
            Err(CollateralError::TooFewPrices { losses: 99, needed: 100 })
        ));
        assert!(suggest_haircut(&prices, 1.0, 1).is_err());
        assert!(suggest_haircut(&prices, f64::NAN, 1).is_err());
        assert!(suggest_haircut(&prices, 0.9, 0).is_err());
        assert!(suggest_haircut(&[1.0, -1.0, 2.0], 0.5, 1).is_err());
        assert!(suggest_haircut(&[1.0, f64::INFINITY, 2.0], 0.5, 1).is_err());
    }
}
