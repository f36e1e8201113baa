use loan_engine::domain::loan::level::*;
use loan_engine::domain::money::RoundingMode;
use std::hint::black_box;
use std::time::Instant;
fn main() {
    let f = FixedFactor::new(5_416_666_666_666_666_667, 21).unwrap();
    let factors = vec![f; 360];
    let r = Rounder::new(RoundingMode::HalfEven, 19);
    let mut rows = Vec::with_capacity(360);
    for _ in 0..5 {
        let t = Instant::now();
        let mut s = 0i64;
        let mut slow = 0u64;
        for i in 0..100_000i64 {
            let p = 30_000_000 + i * 7;
            let e = (p as f64 * 0.0063206802) as i64 + 1;
            level_rows(black_box(p), black_box(e), &factors, r, |_, b| b / 1000, &mut rows)
                .unwrap_or_else(|| slow += 1);
            s += rows.last().map_or(0, |r| r.total);
        }
        let d = t.elapsed();
        println!("{s} {slow} {:.1} M rows/s", 36_000_000.0 / d.as_secs_f64() / 1e6);
    }
}
