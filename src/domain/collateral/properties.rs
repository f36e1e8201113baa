//! The ladder against looking at everything: the same levels after any history.

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::{Band, Leg, Levels, Look, Pool, look};

const ASSETS: usize = 4;
/// The last of the series are exchange rates; assets from this one on are priced abroad.
const RATES: usize = 2;

/// A pool of the history: what it holds of each asset, and what it owes.
#[derive(Clone, Debug)]
struct Held {
    weights: Vec<Decimal>,
    fixed: Decimal,
    debt: Decimal,
    per_day: Decimal,
    level: usize,
}

/// What happens.
#[derive(Clone, Debug)]
enum Event {
    /// A price, or a rate, becomes so many per mille of what it was.
    Tick(usize, i64),
    /// Every price and rate goes to the very edge of the bands of a pool, below or above.
    Edge(usize, bool),
    /// A debt becomes so many per mille of what it was.
    Debt(usize, i64),
    /// A day passes.
    Day,
    /// A price grows old; its next tick is fresh.
    Old(usize),
}

/// The series an asset is priced in, and that of its exchange rate.
fn rate_of(asset: usize) -> Option<usize> {
    (asset >= ASSETS - RATES).then_some(asset + RATES)
}

struct World {
    prices: Vec<Decimal>,
    is_old: Vec<bool>,
}

impl World {
    fn look(&self, pool: &Held, levels: &Levels) -> Look {
        let legs: Vec<Leg> = (0..ASSETS)
            .map(|asset| Leg {
                weight: pool.weights[asset],
                price: self.prices[asset],
                rate: rate_of(asset).map(|series| self.prices[series]),
            })
            .collect();
        look(&Pool {
            levels,
            level: pool.level,
            debt: pool.debt,
            debt_per_day: pool.per_day,
            days_max: 30,
            fixed: pool.fixed,
            legs: &legs,
            is_held: self.is_held(pool),
        })
        .unwrap()
    }

    fn is_held(&self, pool: &Held) -> bool {
        (0..ASSETS).any(|asset| {
            !pool.weights[asset].is_zero()
                && (self.is_old[asset] || rate_of(asset).is_some_and(|series| self.is_old[series]))
        })
    }
}

/// The rows of a pool: its bands by series, and the last day they hold for.
struct Rows {
    bands: Vec<Vec<Band>>,
    through: u32,
}

fn rows(seen: &Look, pool: &Held, today: u32) -> Rows {
    let mut bands = vec![Vec::new(); ASSETS + RATES];
    for asset in 0..ASSETS {
        if pool.weights[asset].is_zero() {
            continue;
        }
        bands[asset].push(seen.bands.prices[asset]);
        if let (Some(series), Some(band)) = (rate_of(asset), seen.bands.rates[asset]) {
            bands[series].push(band);
        }
    }
    Rows { bands, through: today + seen.days }
}

fn pools() -> impl Strategy<Value = Vec<Held>> {
    let pool = (
        prop::collection::vec(prop_oneof![2 => Just(0i64), 3 => 1i64..5000], ASSETS),
        prop_oneof![2 => Just(0i64), 1 => 1i64..200_000],
        1i64..2_000_000,
        prop_oneof![1 => Just(0i64), 2 => 1i64..5_000],
    )
        .prop_map(|(weights, fixed, debt, per_day)| Held {
            weights: weights.into_iter().map(|weight| Decimal::new(weight, 3)).collect(),
            fixed: Decimal::new(fixed, 2),
            debt: Decimal::new(debt, 2),
            per_day: Decimal::new(per_day, 4),
            level: 0,
        });
    prop::collection::vec(pool, 1..12)
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        8 => (0..ASSETS + RATES, 850i64..1180).prop_map(|(series, by)| Event::Tick(series, by)),
        2 => (0usize..12, any::<bool>()).prop_map(|(pool, is_up)| Event::Edge(pool, is_up)),
        2 => (0usize..12, 0i64..1300).prop_map(|(pool, by)| Event::Debt(pool, by)),
        2 => Just(Event::Day),
        1 => (0..ASSETS + RATES).prop_map(Event::Old),
    ];
    prop::collection::vec(event, 1..80)
}

/// Where the prices of a pool are just within its bands.
fn edges(rows: &Rows, is_up: bool) -> Vec<(usize, Decimal)> {
    let edge = |bands: &Vec<Band>| {
        if is_up {
            bands.iter().filter_map(|band| band.rises_at).min()
        } else {
            bands.iter().filter_map(|band| band.falls_at).max().map(|at| at + Decimal::new(1, 12))
        }
    };
    let edges = rows.bands.iter().enumerate();
    edges
        .filter_map(|(series, bands)| edge(bands).map(|price| (series, price)))
        .filter(|(_, price)| *price > Decimal::ZERO && *price < Decimal::from(1_000_000))
        .collect()
}

fn per_mille(value: Decimal, by: i64) -> Decimal {
    (value * Decimal::new(by, 3)).round_dp(6).max(Decimal::new(1, 6))
}

proptest! {
    #[test]
    fn the_ladder_is_looking_at_everything(
        pools in pools(),
        events in events(),
        steps in prop::collection::vec(1i64..40, 1..5),
        hysteresis in 0i64..30,
    ) {
        let mut at = hysteresis * 10 + 3000;
        let enters: Vec<Decimal> =
            steps.iter().map(|step| { at += step * 100; Decimal::new(at, 4) }).collect();
        let levels = Levels::new(&enters, Decimal::new(hysteresis, 3)).unwrap();
        let mut world = World {
            prices: (0..ASSETS + RATES).map(|series| Decimal::new(100 + 37 * series as i64, 0)).collect(),
            is_old: vec![false; ASSETS + RATES],
        };
        let (mut by_ladder, mut by_force) = (pools.clone(), pools);
        let mut today = 0;
        let mut ladder: Vec<Rows> = by_ladder.iter_mut().map(|pool| {
            let seen = world.look(pool, &levels);
            pool.level = seen.level;
            rows(&seen, pool, today)
        }).collect();
        for pool in &mut by_force {
            pool.level = world.look(pool, &levels).level;
        }
        for event in events {
            let mut touched = Vec::new();
            let ticks = match event {
                Event::Tick(series, by) => vec![(series, per_mille(world.prices[series], by))],
                Event::Edge(pool, is_up) => ladder.get(pool).map(|rows| edges(rows, is_up)).unwrap_or_default(),
                _ => Vec::new(),
            };
            for (series, price) in ticks {
                world.prices[series] = price;
                world.is_old[series] = false;
                for pool in 0..ladder.len() {
                    if ladder[pool].bands[series].iter().any(|band| !band.holds(price)) {
                        let seen = world.look(&by_ladder[pool], &levels);
                        by_ladder[pool].level = seen.level;
                        ladder[pool] = rows(&seen, &by_ladder[pool], today);
                    }
                }
                for pool in &mut by_force {
                    pool.level = world.look(pool, &levels).level;
                }
            }
            match event {
                Event::Tick(..) | Event::Edge(..) => {}
                Event::Debt(pool, by) => {
                    if let (Some(one), Some(other)) = (by_ladder.get_mut(pool), by_force.get_mut(pool)) {
                        one.debt = if by < 50 { Decimal::ZERO } else { per_mille(one.debt, by) };
                        other.debt = one.debt;
                        touched.push(pool);
                    }
                }
                Event::Day => {
                    today += 1;
                    for pool in by_ladder.iter_mut().chain(&mut by_force) {
                        pool.debt += pool.per_day;
                    }
                    touched.extend((0..ladder.len()).filter(|&pool| ladder[pool].through < today));
                }
                Event::Old(series) => world.is_old[series] = true,
            }
            for pool in touched {
                let seen = world.look(&by_ladder[pool], &levels);
                by_ladder[pool].level = seen.level;
                ladder[pool] = rows(&seen, &by_ladder[pool], today);
            }
            for pool in &mut by_force {
                pool.level = world.look(pool, &levels).level;
            }
            let levels_of = |pools: &[Held]| pools.iter().map(|pool| pool.level).collect::<Vec<_>>();
            prop_assert_eq!(levels_of(&by_ladder), levels_of(&by_force), "after {:?}", event);
        }
    }
}
