//! Several runs at the same time. A run keeps to one thread.

use std::sync::Mutex;
use std::sync::mpsc;
use std::thread;

/// Does `work` on each item, on at most `at_once` threads, and hands each item with its result to `finished`, in the order of the results.
/// An item is taken from `items` when a thread is free for it.
///
/// # Errors
/// The first of `finished`. Work that has not begun by then is left undone.
pub fn for_each<T: Send, R: Send, E, I>(
    items: I,
    at_once: usize,
    work: impl Fn(&T) -> R + Sync,
    mut finished: impl FnMut(T, R) -> Result<(), E>,
) -> Result<(), E>
where
    I: IntoIterator<Item = T>,
    I::IntoIter: Send,
{
    let left = Mutex::new(items.into_iter());
    thread::scope(|scope| {
        // Without a place in the channel a worker waits for `finished`, and sees that the receiver is gone after its error.
        let (results, received) = mpsc::sync_channel(0);
        for _ in 0..at_once {
            let (left, work, results) = (&left, &work, results.clone());
            scope.spawn(move || {
                let next = || left.lock().expect("taking an item does not panic").next();
                while let Some(item) = next() {
                    let result = work(&item);
                    if results.send((item, result)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(results);
        received.into_iter().try_for_each(|(item, result)| finished(item, result))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    #[test]
    fn every_item_is_worked_on_and_no_more_at_once_than_allowed() {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = |item: &u32| {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(5));
            now.fetch_sub(1, Ordering::SeqCst);
            item * 2
        };
        let mut results = Vec::new();
        let all = for_each(0..20, 3, work, |item, result| {
            results.push((item, result));
            Ok::<(), ()>(())
        });
        results.sort_unstable();
        assert_eq!((all, results), (Ok(()), (0..20).map(|item| (item, item * 2)).collect()));
        assert_eq!(most.into_inner(), 3);
    }

    #[test]
    fn an_error_ends_the_work() {
        let begun = AtomicUsize::new(0);
        let work = |_: &u32| begun.fetch_add(1, Ordering::SeqCst);
        assert_eq!(for_each(0..100, 2, work, |item, _| if item == 1 { Err(item) } else { Ok(()) }), Err(1));
        assert!(begun.into_inner() < 10);
    }
}
