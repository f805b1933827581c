//! Work spread over the machine's cores, results in order.

use rayon::prelude::*;

/// Applies `work` to every item, on as many threads as there are cores, and returns the results in the items' order.
/// Work may spread work of its own. The threads are begun only for twice `worth_a_thread` items, since they cost something.
pub(crate) fn map<'t, T: Sync, R: Send>(
    items: &'t [T],
    worth_a_thread: usize,
    work: impl Fn(&'t T) -> R + Sync + Send,
) -> Vec<R> {
    if items.len() < 2 * worth_a_thread {
        return items.iter().map(work).collect();
    }
    items.par_iter().map(work).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn results_come_in_the_order_of_the_items() {
        let items: Vec<usize> = (0..1000).collect();
        assert_eq!(
            super::map(&items, 8, |item| item * 2),
            items.iter().map(|item| item * 2).collect::<Vec<_>>()
        );
    }
}
