// What a script adds to the dashboard: copying, times where the reader is, and a file that is dropped anywhere on its form. The pages are
// rendered by the server and work without any of it. It asks nobody.
'use strict';

(() => {
  for (const button of document.querySelectorAll('[data-copy]')) button.hidden = !navigator.clipboard;

  for (const time of document.querySelectorAll('time[datetime]')) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title = time.textContent;
    time.textContent = at.toLocaleString(document.documentElement.lang, { dateStyle: 'medium', timeStyle: 'short' });
  }

  document.addEventListener('click', async ({ target }) => {
    const button = target.closest('[data-copy]');
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = button.dataset.copied;
  });

  for (const file of document.querySelectorAll('input[type=file]')) {
    const form = file.form;
    form.addEventListener('dragover', (event) => event.preventDefault());
    form.addEventListener('drop', (event) => {
      if (!event.dataTransfer.files.length || event.target === file) return;
      event.preventDefault();
      file.files = event.dataTransfer.files;
    });
  }
})();
