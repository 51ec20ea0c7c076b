//! What stands between a core and the world: the actions of its steps, the records among them on
//! their way to the disk. It never does an action; the process does.

/// Actions that wait, those of the batch that is being made durable first.
#[derive(Debug)]
pub struct Edge<A> {
    batch: Vec<A>,
    next: Vec<A>,
    is_writing: bool,
}

impl<A> Default for Edge<A> {
    fn default() -> Self {
        Self { batch: Vec::new(), next: Vec::new(), is_writing: false }
    }
}

/// What to do with a batch.
#[derive(Debug, PartialEq, Eq)]
pub enum Batch<A> {
    /// Nothing waits, or the disk is busy.
    None,
    /// Make its records durable, then ask for it by [`Edge::written`].
    Write,
    /// There is nothing to make durable.
    Do(Vec<A>),
}

impl<A> Edge<A> {
    /// Adds the actions of a step.
    pub fn extend(&mut self, actions: Vec<A>) {
        self.next.extend(actions);
    }

    /// Begins with the next batch.
    pub fn begin(&mut self, is_record: impl Fn(&A) -> bool) -> Batch<A> {
        if self.is_writing || self.next.is_empty() {
            return Batch::None;
        }
        let batch = std::mem::take(&mut self.next);
        if !batch.iter().any(is_record) {
            return Batch::Do(batch);
        }
        self.batch = batch;
        self.is_writing = true;
        Batch::Write
    }

    /// The records of the batch are durable: all of it is to be done now.
    pub fn written(&mut self) -> Vec<A> {
        self.is_writing = false;
        std::mem::take(&mut self.batch)
    }

    /// The records of the batch that is being made durable.
    pub fn records<R>(&self, record: impl Fn(&A) -> Option<R>) -> Vec<R> {
        self.batch.iter().filter_map(record).collect()
    }

    /// Takes what is not to be made durable out of the batch that is: a bug that can be planted.
    pub fn take_rest(&mut self, is_record: impl Fn(&A) -> bool) -> Vec<A> {
        self.batch.extract_if(.., |action| !is_record(action)).collect()
    }

    /// The process ends; what may have reached the disk is the batch.
    pub fn end(&mut self) -> Vec<A> {
        let batch = self.written();
        self.next.clear();
        batch
    }

    /// Whether nothing waits.
    pub fn is_idle(&self) -> bool {
        self.next.is_empty() && !self.is_writing
    }
}
