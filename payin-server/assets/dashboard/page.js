// What a script adds to the dashboard: copying, times where the reader is, and a file that is dropped anywhere on its form. The pages are
// rendered by the server and work without any of it. It asks nobody.
'use strict';

(() => {
  for (const button of document.querySelectorAll('[data-copy]')) button.hidden = !navigator.clipboard;

  for (const time of document.querySelectorAll('time[datetime]')) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title = time.textContent;
    // The half of the day stays with the hour.
    time.textContent = at.toLocaleString(document.documentElement.lang, { dateStyle: 'medium', timeStyle: 'exact' in time.dataset ? 'medium' : 'short' }).replace(/ (?=[AP]M$)/, '\u00a0');
  }

  // On a phone the ways are a line that is longer than the window.
  document.querySelector('.ways [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });

  document.addEventListener('click', async ({ target }) => {
    const button = target.closest('[data-copy]');
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = button.dataset.copied;
  });

  for (const file of document.querySelectorAll('input[type=file]')) {
    const form = file.form;
    const over = (is) => form.classList.toggle('dragged-over', is);
    form.addEventListener('dragover', (event) => {
      event.preventDefault();
      over(true);
    });
    form.addEventListener('dragleave', (event) => over(form.contains(event.relatedTarget)));
    form.addEventListener('drop', (event) => {
      over(false);
      if (!event.dataTransfer.files.length || event.target === file) return;
      event.preventDefault();
      file.files = event.dataTransfer.files;
    });
  }
})();
