//! Throttling: a service lets so many calls through and refuses the rest.

use crate::refusal::Refusal;
use crate::setting::{CallRate, Throttling};

/// Each service's throttle, over the whole account.
#[derive(Debug)]
pub(crate) struct Throttles {
    pub(crate) codedeploy: Throttle,
    pub(crate) autoscaling: Throttle,
    pub(crate) tagging: Throttle,
}

impl Throttles {
    /// At the world's time 0.
    pub(crate) fn new(setting: &Throttling) -> Self {
        let throttle = |rate: Option<CallRate>| Throttle(rate.map(TokenBucket::full));
        Throttles {
            codedeploy: throttle(setting.codedeploy),
            autoscaling: throttle(setting.autoscaling),
            tagging: throttle(setting.tagging),
        }
    }
}

/// A service's throttle, if it has one.
#[derive(Debug)]
pub(crate) struct Throttle(Option<TokenBucket>);

impl Throttle {
    /// Lets a call through, or refuses it with the service's `code`.
    pub(crate) fn admit(&mut self, now: f64, code: &'static str) -> Result<(), Refusal> {
        if self.0.as_mut().is_none_or(|bucket| bucket.take(now)) {
            return Ok(());
        }
        Err(Refusal::new(code, "Rate exceeded"))
    }
}

/// A token bucket: the model by which AWS describes its throttling (Amazon EC2 developer guide, "Request throttling").
#[derive(Debug)]
struct TokenBucket {
    per_second: f64,
    capacity: f64,
    /// When the last token was taken, and how many were left then.
    taken_at: f64,
    left: f64,
}

impl TokenBucket {
    fn full(rate: CallRate) -> Self {
        let capacity = rate.burst.unwrap_or(rate.calls_per_second.max(1.0));
        TokenBucket { per_second: rate.calls_per_second, capacity, taken_at: 0.0, left: capacity }
    }

    /// Takes a token, if there is a whole one.
    fn take(&mut self, now: f64) -> bool {
        let there = (self.left + (now - self.taken_at) * self.per_second).min(self.capacity);
        if there < 1.0 {
            return false;
        }
        (self.taken_at, self.left) = (now, there - 1.0);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bucket(calls_per_second: f64, burst: Option<f64>) -> TokenBucket {
        TokenBucket::full(CallRate { calls_per_second, burst })
    }

    #[test]
    fn a_burst_then_the_rate() {
        let table = [
            (2.0, Some(4.0), vec![(0.0, 4), (0.25, 0), (0.5, 1), (1.5, 2)]),
            // After a quiet time the burst again, and no more.
            (2.0, Some(4.0), vec![(0.0, 4), (100.0, 4), (100.25, 0)]),
            (2.0, Some(1.0), vec![(0.0, 1), (100.0, 1), (100.5, 1)]),
            // The default burst is a second's calls, and never less than one.
            (3.0, None, vec![(0.0, 3), (100.0, 3)]),
            (0.5, None, vec![(0.0, 1), (1.0, 0), (2.0, 1)]),
            // A part of a token is kept, but lets nobody through.
            (0.5, Some(1.5), vec![(0.0, 1), (1.0, 1), (2.0, 0)]),
            (0.25, Some(2.0), vec![(0.0, 2), (4.0, 1), (6.0, 0), (8.0, 1)]),
        ];
        for (rate, burst, expected) in table {
            let mut bucket = bucket(rate, burst);
            let through = |&(now, _): &(f64, usize)| (now, (0..10).filter(|_| bucket.take(now)).count());
            assert_eq!(expected.iter().map(through).collect::<Vec<_>>(), expected, "{rate} {burst:?}");
        }
    }

    #[test]
    fn refused_calls_take_nothing() {
        let mut bucket = bucket(1.0, Some(1.0));
        assert!(bucket.take(0.0));
        for n in 1..1000 {
            assert!(!bucket.take(f64::from(n) / 1000.0));
        }
        assert!(bucket.take(1.0));
    }

    #[test]
    fn without_a_rate_every_call_gets_through() {
        let mut throttles = Throttles::new(&Throttling {
            codedeploy: Some(CallRate { calls_per_second: 1.0, burst: None }),
            autoscaling: None,
            tagging: None,
        });
        assert!(throttles.codedeploy.admit(0.0, "ThrottlingException").is_ok());
        let refusal = throttles.codedeploy.admit(0.0, "ThrottlingException").unwrap_err();
        assert_eq!(refusal.to_string(), "ThrottlingException: Rate exceeded");
        assert!((0..1000).all(|_| throttles.autoscaling.admit(0.0, "Throttling").is_ok()));
    }

    proptest! {
        /// In any stretch of time, whatever comes, never more get through than the burst and the rate together.
        #[test]
        fn never_more_than_the_burst_and_the_rate(
            rate in 0.1..20.0_f64, burst in 1.0..20.0_f64, pauses in prop::collection::vec(0.0..2.0_f64, 1..200),
        ) {
            let mut bucket = bucket(rate, Some(burst));
            let (mut now, mut through) = (0.0, Vec::new());
            for pause in pauses {
                now += pause;
                while bucket.take(now) {
                    through.push(now);
                }
            }
            for (from, start) in through.iter().enumerate() {
                for (to, end) in through.iter().enumerate().skip(from) {
                    prop_assert!((to - from + 1) as f64 <= burst + rate * (end - start) + 1e-6);
                }
            }
        }
    }
}
