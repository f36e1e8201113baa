//! How often a key may begin: the generic cell rate algorithm.
//!
//! One number is kept of a key: when its next cell would arrive if cells came evenly (the theoretical
//! arrival time). A cell that comes no earlier than that by more than the burst allows conforms
//! (ITU-T I.371, annex A, as a virtual schedule). Times are microseconds of any clock.

use super::LifecycleError;

/// So many in a period, and so many at once after a rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    interval_micros: i64,
    tolerance_micros: i64,
}

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admission {
    /// From when its next job may begin.
    pub allowed_at: i64,
    /// What is kept of the key if a job begins now.
    pub next_arrival: i64,
}

/// A hundred years.
const PERIOD_MICROS_MAX: i64 = 100 * 366 * 86_400 * 1_000_000;

impl Rate {
    /// A rate of so many jobs a period, of which so many may begin at once.
    ///
    /// # Errors
    /// Less than one job, a period that is not positive, or jobs closer than a microsecond.
    pub fn new(jobs: i32, period_micros: i64, burst: i32) -> Result<Self, LifecycleError> {
        let out_of_range = |what, given: String| LifecycleError::OutOfRange { what, given };
        if !(1..=PERIOD_MICROS_MAX).contains(&period_micros) {
            return Err(out_of_range(
                "the period of a rate",
                format!("{period_micros} microseconds"),
            ));
        }
        if jobs < 1 || i64::from(jobs) > period_micros {
            return Err(out_of_range("the number of jobs of a rate", jobs.to_string()));
        }
        if burst < 1 {
            return Err(out_of_range("the burst of a rate", burst.to_string()));
        }
        // Rounded up, so that no period has a job too many.
        let interval_micros =
            period_micros / i64::from(jobs) + i64::from(period_micros % i64::from(jobs) != 0);
        let tolerance_micros =
            interval_micros.saturating_mul(i64::from(burst) - 1).min(PERIOD_MICROS_MAX);
        Ok(Self { interval_micros, tolerance_micros })
    }

    /// What a key may do whose next cell would arrive then.
    pub fn admit(&self, arrival: i64, now: i64) -> Admission {
        Admission {
            allowed_at: arrival.saturating_sub(self.tolerance_micros),
            next_arrival: arrival.max(now).saturating_add(self.interval_micros),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_key_that_rested_may_begin_a_burst() {
        let rate = Rate::new(10, 1_000_000, 3).unwrap();
        let (mut arrival, mut begun) = (0, Vec::new());
        for now in (5_000_000..5_400_000).step_by(10_000) {
            let may = rate.admit(arrival, now);
            if may.allowed_at <= now {
                begun.push(now - 5_000_000);
                arrival = may.next_arrival;
            }
        }
        assert_eq!(begun, [0, 10_000, 20_000, 100_000, 200_000, 300_000]);
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        assert!(Rate::new(0, 1, 1).is_err());
        assert!(Rate::new(1, 0, 1).is_err());
        assert!(Rate::new(2, 1, 1).is_err());
        assert!(Rate::new(1, 1, 0).is_err());
    }

    proptest! {
        /// Whoever asks whenever: in no window of n intervals do more than n + burst begin, and whoever
        /// comes at the moment told is let through.
        #[test]
        fn no_window_has_too_many(
            jobs in 1..50i32,
            burst in 1..10i32,
            gaps in prop::collection::vec(0..60_000i64, 1..300),
        ) {
            let rate = Rate::new(jobs, 1_000_000, burst).unwrap();
            let (mut arrival, mut now, mut begun) = (0, 1, Vec::new());
            for gap in gaps {
                now += gap;
                let may = rate.admit(arrival, now);
                if may.allowed_at <= now {
                    begun.push(now);
                    arrival = may.next_arrival;
                } else {
                    prop_assert!(rate.admit(arrival, may.allowed_at).allowed_at <= may.allowed_at);
                }
            }
            for (place, from) in begun.iter().enumerate() {
                for (count, until) in begun[place..].iter().enumerate() {
                    let intervals = (until - from) / rate.interval_micros;
                    prop_assert!(count as i64 <= intervals + i64::from(burst) - 1 + 1);
                    prop_assert!((count as i64 + 1 - i64::from(burst)) * rate.interval_micros <= until - from
                        || (count as i64) < i64::from(burst));
                }
            }
        }
    }
}
