//! How long is waited after a failure: exponential backoff with full jitter.

use super::LifecycleError;

/// No delay is longer, whatever is asked for: a year.
const DELAY_SECONDS_MAX: f64 = 366.0 * 86_400.0;

/// How long to wait after so many failed attempts, in seconds: `chance · min(most, first · 2^(attempt−1))`.
///
/// Full jitter spreads those who failed together over the whole of the delay, which calls a busy
/// service least often of the usual ways (Brooker, "Exponential Backoff And Jitter", 2015).
///
/// # Errors
/// An attempt before the first, a delay that is negative or no number, a chance outside 0 to 1.
pub fn retry_delay(
    attempt: i32,
    first_seconds: f64,
    most_seconds: f64,
    chance: f64,
) -> Result<f64, LifecycleError> {
    let out_of_range = |what, given: String| Err(LifecycleError::OutOfRange { what, given });
    if attempt < 1 {
        return out_of_range("the attempt", attempt.to_string());
    }
    for (what, seconds) in [("the first delay", first_seconds), ("the longest delay", most_seconds)]
    {
        if !(0.0..=DELAY_SECONDS_MAX).contains(&seconds) {
            return out_of_range(what, seconds.to_string());
        }
    }
    if !(0.0..=1.0).contains(&chance) {
        return out_of_range("the chance", chance.to_string());
    }
    // Sixty doublings of a nanosecond are more than a year.
    let doublings = (attempt - 1).min(60);
    Ok(chance * libm::ldexp(first_seconds, doublings).min(most_seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn delays_double_up_to_the_longest() {
        let delays: Vec<_> =
            (1..=6).map(|attempt| retry_delay(attempt, 1.0, 10.0, 1.0).unwrap()).collect();
        assert_eq!(delays, [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]);
    }

    #[test]
    fn what_is_no_delay_is_refused() {
        assert!(retry_delay(0, 1.0, 10.0, 0.5).is_err());
        assert!(retry_delay(1, -1.0, 10.0, 0.5).is_err());
        assert!(retry_delay(1, 1.0, f64::INFINITY, 0.5).is_err());
        assert!(retry_delay(1, f64::NAN, 10.0, 0.5).is_err());
        assert!(retry_delay(1, 1.0, 10.0, 1.5).is_err());
    }

    proptest! {
        /// Never longer than the longest, never shorter for a later attempt of the same chance, and
        /// proportional to chance.
        #[test]
        fn delays_are_bounded_and_grow(
            attempt in 1..i32::MAX,
            first in 0.0..1e5f64,
            most in 0.0..1e7f64,
            chance in 0.0..=1.0f64,
        ) {
            let delay = retry_delay(attempt, first, most, chance).unwrap();
            let longest = retry_delay(attempt, first, most, 1.0).unwrap();
            prop_assert!((0.0..=most).contains(&delay));
            prop_assert_eq!(delay, chance * longest);
            let next = retry_delay(attempt.saturating_add(1), first, most, chance).unwrap();
            prop_assert!(next >= delay);
        }
    }
}
