// SPDX-License-Identifier: GPL-2.0

//! Objects of open files, each found by its file and a handle.
//!
//! An object borrows the binding, and an open file outlives the binding. So the objects belong to
//! the device's data, and a file knows only its own number and handles.

use kernel::{
    new_mutex,
    prelude::*,
    rbtree::{
        RBTree,
        RBTreeNode, //
    },
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        Mutex, //
    },
};

/// The number of an open file, and the handles that the file has given out.
pub(crate) struct FileHandles {
    file: u64,
    next: Atomic<u64>,
}

impl FileHandles {
    /// Returns a handle that the file has never given out before; never zero.
    pub(crate) fn new_handle(&self) -> Result<u32> {
        u32::try_from(self.next.fetch_add(1, Relaxed)).map_err(|_| ENOSPC)
    }
}

/// The objects of all open files of a device.
#[pin_data]
pub(crate) struct Handles<T> {
    /// The key is the number of a file, and a handle. Whoever has the lock neither drops an object
    /// nor accesses user space.
    #[pin]
    objects: Mutex<RBTree<(u64, u32), Arc<T>>>,
    files: Atomic<u64>,
}

impl<T> Handles<T> {
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            objects <- new_mutex!(RBTree::new()),
            files: Atomic::new(0),
        })
    }

    /// Returns the handles of a file that is being opened.
    pub(crate) fn open(&self) -> FileHandles {
        FileHandles {
            file: self.files.fetch_add(1, Relaxed),
            next: Atomic::new(1),
        }
    }

    pub(crate) fn insert(&self, file: &FileHandles, handle: u32, object: Arc<T>) -> Result {
        let node = RBTreeNode::new((file.file, handle), object, GFP_KERNEL_ACCOUNT)?;
        self.objects.lock().insert(node);
        Ok(())
    }

    pub(crate) fn get(&self, file: &FileHandles, handle: u32) -> Result<Arc<T>> {
        let objects = self.objects.lock();
        objects.get(&(file.file, handle)).cloned().ok_or(ENOENT)
    }

    /// Calls `work` for each object, without the lock.
    pub(crate) fn for_each(&self, mut work: impl FnMut(&T)) {
        let mut from = (0, 0);
        while let Some(((file, handle), object)) = self.at_or_after(from) {
            work(&object);
            from = match handle.checked_add(1) {
                Some(next) => (file, next),
                None => (file + 1, 0),
            };
        }
    }

    fn at_or_after(&self, key: (u64, u32)) -> Option<((u64, u32), Arc<T>)> {
        let objects = self.objects.lock();
        let cursor = objects.cursor_lower_bound(&key)?;
        let (key, object) = cursor.current();
        Some((*key, object.clone()))
    }

    /// Removes an object, and drops the object unless somebody still uses it.
    pub(crate) fn remove(&self, file: &FileHandles, handle: u32) -> Result {
        let object = self.objects.lock().remove(&(file.file, handle));
        // Dropped here, not under the lock.
        object.map(drop).ok_or(ENOENT)
    }

    /// Removes all objects of a file that is being closed.
    pub(crate) fn close(&self, file: &FileHandles) {
        while let Some(object) = self.remove_any(file) {
            drop(object);
        }
    }

    fn remove_any(&self, file: &FileHandles) -> Option<Arc<T>> {
        let mut objects = self.objects.lock();
        let cursor = objects.cursor_lower_bound_mut(&(file.file, 0))?;
        if cursor.current().0 .0 != file.file {
            return None;
        }
        let (_, node) = cursor.remove_current();
        Some(node.to_key_value().1)
    }
}
