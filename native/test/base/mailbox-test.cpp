#include "base/mailbox.h"

#include <thread>

#include "test/check.h"

using sluice::Clock;
using sluice::Mailbox;

TEST("mailbox: messages come out in order, and once") {
  Mailbox<int> mailbox;
  for (int i = 0; i < 3; ++i) mailbox.push(i);
  CHECK(mailbox.drain() == (std::vector<int>{0, 1, 2}));
  CHECK(mailbox.drain().empty());
}

TEST("mailbox: waiting ends at once when something is there already") {
  Mailbox<int> mailbox;
  mailbox.push(1);
  mailbox.wait();
  CHECK_EQ(mailbox.drain().size(), 1u);
}

TEST("mailbox: waiting ends at the deadline when nothing comes") {
  Mailbox<int> mailbox;
  const auto deadline = Clock::now() + std::chrono::milliseconds(5);
  mailbox.wait(deadline);
  CHECK(Clock::now() >= deadline);
}

TEST("mailbox: nothing is lost between four senders and a receiver") {
  Mailbox<int> mailbox;
  std::vector<std::thread> senders;
  for (int sender = 0; sender < 4; ++sender) {
    senders.emplace_back([&] {
      for (int i = 0; i < 5000; ++i) mailbox.push(1);
    });
  }
  int received = 0;
  while (received < 20000) {
    mailbox.wait();
    for (int message : mailbox.drain()) received += message;
  }
  for (std::thread& sender : senders) sender.join();
  CHECK_EQ(received, 20000);
  CHECK(mailbox.drain().empty());
}

TEST("mailbox: waking ends a wait without a message, once") {
  Mailbox<int> mailbox;
  mailbox.wake();
  mailbox.wait();
  CHECK(mailbox.drain().empty());
  const auto deadline = Clock::now() + std::chrono::milliseconds(5);
  mailbox.wait(deadline);
  CHECK(Clock::now() >= deadline);
}
