//! Days between payments that follow no rule.

/// Tenth, half and nine tenths of the days from one payment to the next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gaps {
    /// One in ten is shorter.
    pub p10: f64,
    /// Half are shorter.
    pub p50: f64,
    /// One in ten is longer.
    pub p90: f64,
    /// How many there are.
    pub count: usize,
}

impl Gaps {
    /// Of gaps in days, those only that are longer than `elapsed`; nothing when there are none.
    ///
    /// Quantiles are interpolated (Hyndman and Fan, type 7).
    pub fn of(gaps: &[f64], elapsed: f64) -> Option<Self> {
        let mut left: Vec<f64> = gaps.iter().copied().filter(|gap| *gap > elapsed).collect();
        left.sort_unstable_by(f64::total_cmp);
        Some(Self {
            p10: quantile(&left, 0.1)?,
            p50: quantile(&left, 0.5)?,
            p90: quantile(&left, 0.9)?,
            count: left.len(),
        })
    }
}

fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * sorted.len().checked_sub(1)? as f64;
    let low = *sorted.get(place as usize)?;
    let high = sorted.get(place as usize + 1).copied().unwrap_or(low);
    Some(low + (high - low) * place.fract())
}
